//! Colours that people with any colour vision can distinguish (Okabe and Ito 2008), and inks.

use plotters::style::RGBColor;

/// What everything is drawn on.
pub const PAPER: RGBColor = RGBColor(255, 255, 255);
/// Text and axes.
pub const INK: RGBColor = RGBColor(40, 40, 40);
/// Less important text.
pub const PALE_INK: RGBColor = RGBColor(105, 105, 105);
/// Lines behind the data.
pub const GRID: RGBColor = RGBColor(225, 225, 225);

/// Columns.
const SERIES: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(213, 94, 0),
    RGBColor(86, 180, 233),
    RGBColor(110, 110, 110),
];

/// Shades of phases behind a curve, which are drawn pale.
pub const IDLE: RGBColor = RGBColor(130, 130, 130);
/// Loading.
pub const LOAD: RGBColor = RGBColor(222, 203, 20);
/// Processing prompts: also the colour of a column.
pub const PREFILL: RGBColor = SERIES[3];
/// Generating: also the colour of a column.
pub const DECODE: RGBColor = SERIES[5];
/// The frequency of the processor.
pub const FREQUENCY: RGBColor = RGBColor(70, 70, 70);
/// The temperature.
pub const TEMPERATURE: RGBColor = RGBColor(190, 60, 30);

/// Every colour of a chart: its role, and how it stands in an SVG document, so that a page can give it another colour in the
/// dark. The colours that backends have of their own in `backends.toml` are among them, unless somebody changed them there.
pub const COLOURS: [(&str, &str); 15] = [
    ("paper", "#FFFFFF"),
    ("ink", "#282828"),
    ("pale-ink", "#696969"),
    ("grid", "#E1E1E1"),
    ("series-1", "#0072B2"),
    ("series-2", "#E69F00"),
    ("series-3", "#009E73"),
    ("series-4", "#CC79A7"),
    ("series-5", "#D55E00"),
    ("series-6", "#56B4E9"),
    ("series-7", "#6E6E6E"),
    ("idle", "#828282"),
    ("load", "#DECB14"),
    ("frequency", "#464646"),
    ("temperature", "#BE3C1E"),
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
        let mut free: Vec<RGBColor> = SERIES.into_iter().filter(is_free).collect();
        if free.is_empty() {
            free = SERIES.to_vec();
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
    fn a_page_knows_every_colour() {
        let inks = [PAPER, INK, PALE_INK, GRID].into_iter().chain(SERIES).chain([IDLE, LOAD, FREQUENCY, TEMPERATURE]);
        let literals = inks.map(|RGBColor(red, green, blue)| format!("#{red:02X}{green:02X}{blue:02X}"));
        assert_eq!(literals.collect::<Vec<_>>(), COLOURS.map(|(_, literal)| literal));
    }

    #[test]
    fn a_colour_of_one_s_own_is_nobody_else_s() {
        let names = ["mine", "a", "yours", "b"].map(str::to_owned);
        let own = [("yours".to_owned(), [0, 114, 178]), ("mine".to_owned(), [1, 2, 3])];
        let inks = Palette::new(own).inks(&names);
        assert_eq!((inks.of(0), inks.of(2)), (RGBColor(1, 2, 3), SERIES[0]));
        assert_eq!((inks.of(1), inks.of(3)), (SERIES[1], SERIES[2]), "the first of them is taken");
        let many: Vec<String> = (0..9).map(|number| number.to_string()).collect();
        assert_eq!(Palette::default().inks(&many).of(8), SERIES[1], "from the beginning again");
    }
}
