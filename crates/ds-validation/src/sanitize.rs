//! Texts of events, made safe to show as HTML.
//!
//! Events are kept as they came, so whoever shows them to people has to see to it that nothing in them
//! runs. These functions are for services that render HTML themselves; a page that sets `textContent`
//! needs none of them. They never change what is stored.

use ammonia::Builder;

/// `text` with every character escaped that means something in HTML: shown, it is what it was.
///
/// ```
/// use ds_validation::sanitize;
///
/// assert_eq!(sanitize::escaped("<b>"), "&lt;b&gt;");
/// assert_eq!(sanitize::escaped("delete_pod"), "delete_pod");
/// ```
pub fn escaped(text: &str) -> String {
    ammonia::clean_text(text)
}

/// The text of `html` without any tag; scripts and styles go with what they hold.
///
/// ```
/// use ds_validation::sanitize;
///
/// let html = "<p onclick=steal()>pod <b>web-0</b><script>steal()</script> restarted</p>";
/// assert_eq!(sanitize::without_tags(html), "pod web-0 restarted");
/// assert_eq!(sanitize::without_tags("cpu < 5"), "cpu &lt; 5");
/// ```
pub fn without_tags(html: &str) -> String {
    Builder::empty()
        .clean_content_tags(["script", "style"].into_iter().collect())
        .clean(html)
        .to_string()
}

/// `html` with its formatting, but without anything that runs, loads or leads to a script.
///
/// ```
/// use ds_validation::sanitize;
///
/// let html = "<p onclick=steal()>pod <b>web-0</b> <a href='javascript:steal()'>restarted</a></p>";
/// let safe = sanitize::formatted(html);
/// assert_eq!(safe, "<p>pod <b>web-0</b> <a rel=\"noopener noreferrer\">restarted</a></p>");
/// ```
pub fn formatted(html: &str) -> String {
    ammonia::clean(html)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::markup;

    #[test]
    fn nothing_that_is_flagged_is_left() {
        for html in [
            "<script>alert(1)</script>x",
            "<scr<script>ipt>alert(1)</scr</script>ipt>",
            "<script\n>alert(1)\n</script\n>",
            "<img src=x onerror=alert(1)",
            "<svg/onload=alert(1)>",
            "<a href=' javascript:alert(1)'>x</a>",
            "<iframe srcdoc='<script>alert(1)</script>'>",
            "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
        ] {
            for safe in [without_tags(html), formatted(html)] {
                assert_eq!(markup::flags(&safe), [], "{html} becomes {safe}");
                assert_eq!(formatted(&safe), safe, "{html} is safe after one pass");
            }
            assert_eq!(markup::flags(&escaped(html)), [], "{html}");
        }
    }
}
