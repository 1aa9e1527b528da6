use pocketwatt_files::sha256;

/// Among ten thousand names, two have the same digits with a probability of 0.00002 %.
const DIGITS: usize = 12;

/// The first digits of a text's sha256, in hexadecimal: what tells names apart where they have to be changed or are cut.
pub fn digest(text: &str) -> String {
    sha256(text)[..DIGITS].to_owned()
}
