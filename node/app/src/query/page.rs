//! Pages of short lists, such as those of markets: the rows are few and at hand, so a page is a part of them.

use ::bank::page::{Page, MAX_LIMIT};
use cosmos_sdk_proto::cosmos::base::query::v1beta1::PageRequest as Asked;
use proto::cosmos::base::query::v1beta1::{PageRequest, PageResponse};

use super::Failure;

/// The part of `rows` that the request asks for; `number` names a row, and the rows are in its order. All of
/// them, up to the most that any page has, when the request names no limit.
pub(super) fn of<T>(
    request: Option<&PageRequest>,
    rows: Vec<T>,
    number: impl Fn(&T) -> u32,
) -> Result<(Vec<T>, Option<PageResponse>), Failure> {
    let asked = request.map(|request| Asked {
        key: request.key.clone(),
        offset: request.offset,
        limit: request.limit,
        count_total: request.count_total,
        reverse: request.reverse,
    });
    let mut page = Page::read(asked.as_ref())?;
    if asked.is_none_or(|asked| asked.limit == 0) {
        page.limit = MAX_LIMIT;
    }
    if ![0, 4].contains(&page.key.len()) {
        return Err(Failure::invalid("the key of the page is not one of this list"));
    }
    let rows = rows.into_iter().map(|row| (number(&row).to_be_bytes().to_vec(), row)).collect();
    let (rows, answer) = page.of(rows);
    Ok((rows, Some(PageResponse { next_key: answer.next_key, total: answer.total })))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(request: PageRequest) -> (Vec<u32>, PageResponse) {
        let (rows, answer) = of(Some(&request), vec![1, 3, 5, 7, 300], |row| *row).unwrap();
        (rows, answer.unwrap())
    }

    #[test]
    fn net_09_pages_by_key_meet_without_gap_either_way() {
        for reverse in [false, true] {
            let mut all = Vec::new();
            let mut request = PageRequest { limit: 2, reverse, ..PageRequest::default() };
            for _ in 0..3 {
                let (rows, answer) = ask(request.clone());
                all.extend(rows);
                request.key = answer.next_key;
            }
            assert!(request.key.is_empty());
            if reverse {
                all.reverse();
            }
            assert_eq!(all, [1, 3, 5, 7, 300]);
        }
    }

    #[test]
    fn net_09_a_page_without_a_limit_is_the_list_and_one_beyond_it_is_empty() {
        let (rows, answer) = ask(PageRequest::default());
        assert_eq!((rows.len(), answer.total, answer.next_key.len()), (5, 5, 0));
        let (rows, _) = ask(PageRequest { limit: u64::MAX, count_total: true, ..PageRequest::default() });
        assert_eq!(rows.len(), 5);
        let (rows, answer) = ask(PageRequest { offset: 9, ..PageRequest::default() });
        assert_eq!((rows.len(), answer.total), (0, 5));
        for wrong in [
            PageRequest { key: vec![1], ..PageRequest::default() },
            PageRequest { key: vec![0; 4], offset: 1, ..PageRequest::default() },
            PageRequest { offset: u64::MAX, ..PageRequest::default() },
        ] {
            assert!(of(Some(&wrong), vec![1_u32], |row| *row).is_err(), "{wrong:?}");
        }
    }
}
