//! Lists that come in pages.

use crate::error::Error;
use assay_protocol::registry::Page;
use std::future::Future;

/// All items of a list, of which `read` gives the page that starts at an offset.
///
/// # Errors
/// The first one that `read` gives.
pub async fn all_pages<T, F>(read: impl Fn(u32) -> F) -> Result<Vec<T>, Error>
where
    F: Future<Output = Result<Page<T>, Error>>,
{
    let mut items = vec![];
    loop {
        let page = read(items.len() as u32).await?;
        // A list that shrank has no more, whatever it said before.
        let empty = page.items.is_empty();
        items.extend(page.items);
        if empty || items.len() as u64 >= u64::from(page.total) {
            return Ok(items);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[tokio::test]
    async fn pages_are_joined_and_none_is_read_twice() {
        for (total, reads) in [(0, vec![0]), (3, vec![0]), (7, vec![0, 3, 6])] {
            let asked = RefCell::new(vec![]);
            let all = all_pages(|offset| {
                asked.borrow_mut().push(offset);
                async move { Ok(Page { total, items: (offset..total.min(offset + 3)).collect() }) }
            })
            .await
            .unwrap();
            assert_eq!(all, (0..total).collect::<Vec<_>>());
            assert_eq!(asked.into_inner(), reads);
        }
    }

    #[tokio::test]
    async fn a_list_that_shrinks_ends() {
        let all =
            all_pages(
                |offset| async move { Ok(Page { total: 9, items: if offset == 0 { vec![1, 2] } else { vec![] } }) },
            );
        assert_eq!(all.await.unwrap(), [1, 2]);
    }
}
