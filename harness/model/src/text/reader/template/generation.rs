//! `{% generation %}`, with which templates mark an answer for training.

/// The template with its `generation` blocks as `with` blocks: they write their contents, and have a scope of their own, as
/// in transformers (`AssistantTracker` in `chat_template_utils.py`), whose statement the template engine does not know.
pub(super) fn as_plain_blocks(source: &str) -> String {
    let mut plain = String::with_capacity(source.len());
    let mut rest = source;
    let mut is_raw = false;
    while let Some(at) = rest.find(['{']) {
        let (before, tag) = rest.split_at(at);
        plain.push_str(before);
        let length = match tag.as_bytes().get(1) {
            Some(b'%') => {
                let (length, name) = statement(tag);
                match name {
                    "raw" => is_raw = true,
                    "endraw" => is_raw = false,
                    _ => {}
                }
                let replacement = match name {
                    "generation" => "with",
                    "endgeneration" => "endwith",
                    _ => name,
                };
                if !is_raw && replacement != name {
                    plain.push_str(&tag[..length].replacen(name, replacement, 1));
                    rest = &tag[length..];
                    continue;
                }
                if is_raw && name != "raw" { 1 } else { length }
            }
            Some(b'{') if !is_raw => end_of_code(tag, "}}"),
            Some(b'#') if !is_raw => tag.find("#}").map_or(tag.len(), |end| end + 2),
            _ => 1,
        };
        plain.push_str(&tag[..length]);
        rest = &tag[length..];
    }
    plain.push_str(rest);
    plain
}

/// Length and name of the statement at the beginning of a text.
fn statement(tag: &str) -> (usize, &str) {
    let word = tag[2..].trim_start_matches(['-', '+']).trim_start();
    let end = word.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(word.len());
    (end_of_code(tag, "%}"), &word[..end])
}

/// Length of the code at the beginning of a text, up to the `end` outside its strings.
fn end_of_code(tag: &str, end: &str) -> usize {
    let mut quote = None;
    let mut is_escaped = false;
    for (at, letter) in tag.char_indices().skip(2) {
        match quote {
            Some(_) if is_escaped => is_escaped = false,
            Some(_) if letter == '\\' => is_escaped = true,
            Some(open) if letter == open => quote = None,
            Some(_) => {}
            None if tag[at..].starts_with(end) => return at + end.len(),
            None if letter == '\'' || letter == '"' => quote = Some(letter),
            None => {}
        }
    }
    tag.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_become_plain_with_their_white_space_control() {
        let source = "a {%- generation -%} {{ x }} {%+ endgeneration %} b";
        assert_eq!(as_plain_blocks(source), "a {%- with -%} {{ x }} {%+ endwith %} b");
    }

    #[test]
    fn text_strings_and_comments_stay_as_they_are() {
        for source in [
            "{{ '{% generation %}' }}",
            "{% set a = '%} {% generation %}' %}",
            "{# {% generation %} #}",
            "{% raw %}{{ '{% generation %}{% endraw %}",
            "{% if generation %}{{ generation }}{% endif %}",
            "{% generations %}",
            "no { tags % } at all {",
            "{% 'open",
            "{{ \"\\\"}} {% generation %}\" }}",
            "{",
            "{%",
        ] {
            assert_eq!(as_plain_blocks(source), source);
        }
        assert_eq!(as_plain_blocks("{%raw%}{%endraw%}{%generation%}"), "{%raw%}{%endraw%}{%with%}");
    }
}
