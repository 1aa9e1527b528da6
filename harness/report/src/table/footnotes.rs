use pocketwatt_record::Absent;

/// Numbered reasons without duplicates.
#[derive(Default)]
pub struct Footnotes {
    /// Texts, numbered from 1.
    pub texts: Vec<String>,
    /// The start of the text for a withheld number.
    withheld: Vec<Absent>,
}

impl Footnotes {
    /// The number of a reason.
    pub fn number_of(&mut self, absent: &Absent) -> usize {
        if absent.is_withheld() && !self.tells(absent) {
            self.withheld.push(absent.clone());
        }
        self.number(absent.words.clone())
    }

    /// Whether one of the reasons is that a number is withheld.
    pub fn tells(&self, withheld: &Absent) -> bool {
        self.withheld.contains(withheld)
    }

    /// The number of a text.
    pub fn number(&mut self, text: String) -> usize {
        match self.texts.iter().position(|known| *known == text) {
            Some(index) => index + 1,
            None => {
                self.texts.push(text);
                self.texts.len()
            }
        }
    }
}
