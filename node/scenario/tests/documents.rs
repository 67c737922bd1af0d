//! Examples in the modules' documents are stories, and they are true.

use std::path::{Path, PathBuf};

use scenario::play;

/// A story in a document.
struct Example {
    document: PathBuf,
    line: usize,
    story: String,
}

/// Every ```` ```scenario ```` block of a document.
fn examples(document: &Path) -> Vec<Example> {
    let text = std::fs::read_to_string(document).expect("the document can be read");
    let mut found: Vec<Example> = Vec::new();
    let mut inside = false;
    for (index, line) in text.lines().enumerate() {
        match line.trim() {
            "```scenario" => {
                inside = true;
                found.push(Example { document: document.to_owned(), line: index + 1, story: String::new() });
            }
            "```" => inside = false,
            _ if inside => {
                let example = found.last_mut().expect("a block has begun");
                example.story.push_str(line);
                example.story.push('\n');
            }
            _ => {}
        }
    }
    assert!(!inside, "{} ends inside an example", document.display());
    found
}

#[test]
fn every_example_of_every_module_is_true() {
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../modules");
    let folders = std::fs::read_dir(modules).expect("there are modules");
    let mut documents: Vec<PathBuf> =
        folders.map(|folder| folder.expect("a folder").path().join("README.md")).collect();
    documents.retain(|document| document.exists());
    documents.sort();
    let examples: Vec<Example> = documents.iter().flat_map(|document| examples(document)).collect();
    let (mut expectations, mut wrong) = (0, Vec::new());
    for example in &examples {
        match play(&example.story) {
            Ok(told) => expectations += told.expectations,
            Err(untrue) => {
                let line = example.line + untrue.line;
                let place = format!("{}:{line}", example.document.display());
                wrong.push(format!("{place}: {}: {}", untrue.text, untrue.reason));
            }
        }
    }
    println!("{} examples in {} documents, {expectations} expectations", examples.len(), documents.len());
    assert!(wrong.is_empty(), "examples that are not true:\n{}", wrong.join("\n"));
    assert!(examples.len() >= 6, "only {} examples were found", examples.len());
    assert!(expectations >= examples.len(), "examples must say what is true");
}
