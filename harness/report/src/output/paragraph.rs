//! Running text that is wrapped.

use crate::output::{Paint, columns, inert};

/// `text` after `head`, wrapped at `width`, with further lines indented as far as the first.
pub fn paragraph(head: &str, text: &str, width: usize, paint: Paint) -> String {
    let (head, text) = (inert::line(head), inert::line(text));
    let indent = columns::width(&head);
    let mut output = paint.dim(&head);
    let mut used = indent;
    for (index, word) in text.split_whitespace().enumerate() {
        if index > 0 && used + 1 + columns::width(word) > width {
            output.push('\n');
            output += &" ".repeat(indent);
            used = indent;
        } else if index > 0 {
            output.push(' ');
            used += 1;
        }
        output += word;
        used += columns::width(word);
    }
    output + "\n"
}
