//! The paths that stand in an item, wherever: in types, in expressions, in macros, and in the texts of attributes.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;

use crate::modules::Path;

/// The paths of an item.
#[derive(Default)]
pub struct Names {
    /// All of them, single names included.
    pub all: BTreeSet<Path>,
    /// Those that are imported within a function.
    pub imported: Vec<Path>,
}

/// What stands in an item.
pub fn names_in(item: &impl ToTokens) -> Names {
    let mut names = Names::default();
    gather(item.to_token_stream(), &Path::new(), false, &mut names);
    names
}

/// Adds the paths among tokens, each behind `before`: that of a tree of imports.
fn gather(tokens: TokenStream, before: &Path, is_import: bool, names: &mut Names) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut place = 0;
    while let Some(token) = tokens.get(place) {
        place += 1;
        match token {
            TokenTree::Group(group) if is_doc(group.stream()) => {}
            TokenTree::Group(group) => gather(group.stream(), before, is_import, names),
            TokenTree::Literal(literal) => names.all.extend(quoted_path(&literal.to_string())),
            TokenTree::Ident(name) if !follows_a_dot(&tokens, place - 1) => {
                let is_import = is_import || follows_use(&tokens, place - 1);
                let mut path = [before.clone(), vec![name.to_string()]].concat();
                while is_path_separator(&tokens, place) {
                    match tokens.get(place + 2) {
                        Some(TokenTree::Ident(next)) => path.push(next.to_string()),
                        Some(TokenTree::Group(tree)) if tree.delimiter() == Delimiter::Brace => {
                            gather(tree.stream(), &path, is_import, names);
                        }
                        // `<` of its arguments, or a `*`.
                        _ => break,
                    }
                    place += 3;
                }
                if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
                    path.pop();
                }
                if is_import {
                    names.imported.push(path.clone());
                }
                names.all.insert(path);
            }
            _ => {}
        }
    }
}

fn is_path_separator(tokens: &[TokenTree], place: usize) -> bool {
    let is_colon = |place: usize| matches!(tokens.get(place), Some(TokenTree::Punct(mark)) if mark.as_char() == ':');
    is_colon(place) && is_colon(place + 1)
}

/// A field or a method; of a range, its end.
fn follows_a_dot(tokens: &[TokenTree], place: usize) -> bool {
    let is_dot = |back: usize| {
        let mark = place.checked_sub(back).and_then(|place| tokens.get(place));
        matches!(mark, Some(TokenTree::Punct(mark)) if mark.as_char() == '.')
    };
    is_dot(1) && !is_dot(2)
}

fn follows_use(tokens: &[TokenTree], place: usize) -> bool {
    let before = place.checked_sub(1).and_then(|place| tokens.get(place));
    matches!(before, Some(TokenTree::Ident(word)) if word == "use")
}

fn is_doc(attribute: TokenStream) -> bool {
    matches!(attribute.into_iter().next(), Some(TokenTree::Ident(name)) if name == "doc")
}

/// `with = "crate::format"`.
fn quoted_path(literal: &str) -> Option<Path> {
    let text = literal.strip_prefix('"')?.strip_suffix('"')?;
    let path: Path = text.split("::").map(str::to_owned).collect();
    let is_name =
        |name: &String| !name.is_empty() && name.chars().all(|letter| letter.is_alphanumeric() || letter == '_');
    (path.len() > 1 && path.iter().all(is_name)).then_some(path)
}
