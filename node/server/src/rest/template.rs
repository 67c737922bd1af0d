//! Path templates of `google.api.http`: `/a/{field}/b`, `/a/{field=**}`.

use super::decode::unescape;

/// One part of a path; the order is that of trying.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// This word.
    Literal(String),
    /// Any one segment, the value of a field.
    One(String),
    /// All that follows, the value of a field.
    Rest(String),
}

/// A template.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Template(pub(super) Vec<Part>);

impl Template {
    /// Read a template; nothing if it has a form that no route here has.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = Vec::new();
        for segment in text.strip_prefix('/')?.split('/') {
            if matches!(parts.last(), Some(Part::Rest(_))) || segment.is_empty() {
                return None;
            }
            parts.push(match segment.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')) {
                None if segment.contains(['{', '}', '*', ':']) => return None,
                None => Part::Literal(segment.to_owned()),
                Some(inner) => match inner.split_once('=') {
                    None => Part::One(inner.to_owned()),
                    Some((name, "*")) => Part::One(name.to_owned()),
                    Some((name, "**")) => Part::Rest(name.to_owned()),
                    Some(_) => return None,
                },
            });
        }
        Some(Self(parts))
    }

    /// Values of the fields in `path`, if the path has this form.
    pub(super) fn matches<'a>(&self, path: &'a str) -> Option<Vec<(&str, &'a str)>> {
        let mut rest = Some(path.strip_prefix('/')?);
        let mut values = Vec::new();
        for part in &self.0 {
            let path = rest?;
            let (segment, after) = match path.split_once('/') {
                Some((segment, after)) => (segment, Some(after)),
                None => (path, None),
            };
            match part {
                Part::Literal(word) if word == segment => rest = after,
                Part::One(name) if !segment.is_empty() => {
                    values.push((name.as_str(), segment));
                    rest = after;
                }
                Part::Rest(name) if !path.is_empty() => {
                    values.push((name.as_str(), path));
                    rest = None;
                }
                _ => return None,
            }
        }
        rest.is_none().then_some(values)
    }

    /// Fields in the template.
    pub(super) fn fields(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Literal(_) => None,
            Part::One(name) | Part::Rest(name) => Some(name.as_str()),
        })
    }

    /// The template as `OpenAPI` writes it.
    pub(super) fn plain(&self) -> String {
        let mut text = String::new();
        for part in &self.0 {
            text.push('/');
            match part {
                Part::Literal(word) => text.push_str(word),
                Part::One(name) | Part::Rest(name) => {
                    text.push('{');
                    text.push_str(name);
                    text.push('}');
                }
            }
        }
        text
    }
}

/// Values without their escapes.
pub(super) fn unescaped(values: &[(&str, &str)]) -> Result<Vec<(String, String)>, String> {
    values.iter().map(|(name, value)| Ok(((*name).to_owned(), unescape(value, false)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_the_form_of_a_template_or_not() {
        let cases = [
            ("/a/b", "/a/b", Some(vec![])),
            ("/a/b", "/a/b/", None),
            ("/a/b", "/a", None),
            ("/a/{x}", "/a/7", Some(vec![("x", "7")])),
            ("/a/{x}", "/a/", None),
            ("/a/{x}", "/a/7/8", None),
            ("/a/{x}/b", "/a/7/b", Some(vec![("x", "7")])),
            ("/a/{x=**}", "/a/ibc/ABC", Some(vec![("x", "ibc/ABC")])),
            ("/a/{x=**}", "/a/", None),
            ("/a/{x=**}", "/a", None),
            ("/a/{x.y}/{x.z}", "/a/1/2", Some(vec![("x.y", "1"), ("x.z", "2")])),
            ("/a", "a", None),
        ];
        for (template, path, expected) in cases {
            assert_eq!(Template::parse(template).unwrap().matches(path), expected, "{template} {path}");
        }
        for malformed in ["a", "/a/{x=**}/b", "/a//b", "/a/{x=b/*}", "/a:verb", "/a/{x", "/*"] {
            assert_eq!(Template::parse(malformed), None, "{malformed}");
        }
    }
}
