//! Changes of lines with names and values.

use super::{
    Random,
    document::{NUMBERS, TEXTS},
};

/// The separator of a name and its value.
const IS: &str = " = ";

/// Makes a few changes.
pub fn change(text: &str, random: &mut Random) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for _ in 0..random.few() {
        if lines.is_empty() {
            break;
        }
        change_lines(&mut lines, random);
    }
    lines.join("\n")
}

fn change_lines(lines: &mut Vec<String>, random: &mut Random) {
    let (at, other) = (random.below(lines.len()), random.below(lines.len()));
    let (line, another) = (lines[at].clone(), lines[other].clone());
    let (name, value) = line.split_once(IS).unwrap_or((&line, ""));
    let (other_name, other_value) = another.split_once(IS).unwrap_or((&another, ""));
    match random.below(10) {
        0 => drop(lines.remove(at)),
        1 => lines.swap(at, other),
        2 => lines.insert(other, line),
        3 => lines.insert(at, format!("{other_name}{IS}{value}")),
        4 => lines[at] = format!("{name}{IS}{other_value}"),
        5 => lines[at] = format!("{name}{IS}{}", random.choice(&TEXTS).escape_default()),
        6 => lines[at] = format!("{name}{IS}{}", near(value, random)),
        // The same in the next of several devices.
        7 => lines[at] = format!("{}{IS}{value}", name.replacen(|part: char| part.is_ascii_digit(), "1", 1)),
        _ => lines[at] = format!("{name}{IS}{}", random.choice(&NUMBERS)),
    }
}

/// A number close to the value, if that is a number.
fn near(value: &str, random: &mut Random) -> String {
    let Ok(number) = value.parse::<i64>() else { return value.to_owned() };
    match random.below(5) {
        0 => number.wrapping_add(1),
        1 => number.wrapping_sub(1),
        2 => number.wrapping_neg(),
        3 => number.wrapping_mul(1_000),
        _ => number / 1_000,
    }
    .to_string()
}
