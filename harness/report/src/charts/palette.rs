//! Colours that people with any colour vision can distinguish (Okabe and Ito 2008), and inks.

use plotters::style::RGBColor;

/// Text and axes.
pub const INK: RGBColor = RGBColor(40, 40, 40);
/// Less important text.
pub const PALE_INK: RGBColor = RGBColor(105, 105, 105);
/// Lines behind the data.
pub const GRID: RGBColor = RGBColor(225, 225, 225);

const COLORS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(213, 94, 0),
    RGBColor(86, 180, 233),
    RGBColor(110, 110, 110),
];

/// Colours of columns: backends may have their own, which they keep from chart to chart, whatever else takes part.
#[derive(Clone, Debug, Default)]
pub struct Palette {
    own: Vec<(String, RGBColor)>,
}

impl Palette {
    /// Of backends by name that have a colour of their own: red, green and blue from 0 to 255.
    pub fn new(own: impl IntoIterator<Item = (String, [u8; 3])>) -> Self {
        Self { own: own.into_iter().map(|(name, [red, green, blue])| (name, RGBColor(red, green, blue))).collect() }
    }

    /// The colours of these columns: their own, or the next one that is nobody's.
    pub fn inks(&self, names: &[String]) -> Inks {
        let own = |name: &String| self.own.iter().find(|(owner, _)| owner == name).map(|(_, ink)| *ink);
        let is_free = |ink: &RGBColor| self.own.iter().all(|(_, own)| own != ink);
        let mut free: Vec<RGBColor> = COLORS.into_iter().filter(is_free).collect();
        if free.is_empty() {
            free = COLORS.to_vec();
        }
        let mut free = free.into_iter().cycle();
        Inks(names.iter().filter_map(|name| own(name).or_else(|| free.next())).collect())
    }
}

/// The colours of a chart's columns, in their order.
#[derive(Clone, Debug)]
pub struct Inks(Vec<RGBColor>);

impl Inks {
    /// The colour of a column, by its place.
    pub fn of(&self, place: usize) -> RGBColor {
        self.0.get(place).copied().unwrap_or(INK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_of_one_s_own_is_nobody_else_s() {
        let names = ["mine", "a", "yours", "b"].map(str::to_owned);
        let own = [("yours".to_owned(), [0, 114, 178]), ("mine".to_owned(), [1, 2, 3])];
        let inks = Palette::new(own).inks(&names);
        assert_eq!((inks.of(0), inks.of(2)), (RGBColor(1, 2, 3), COLORS[0]));
        assert_eq!((inks.of(1), inks.of(3)), (COLORS[1], COLORS[2]), "the first of them is taken");
        let many: Vec<String> = (0..9).map(|number| number.to_string()).collect();
        assert_eq!(Palette::default().inks(&many).of(8), COLORS[1], "from the beginning again");
    }
}
