//! Colours that people with any colour vision tell apart (Okabe and Ito 2008), and inks.

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

/// Backends of this project keep their colour from chart to chart, whatever else takes part.
const KNOWN: [&str; 3] = ["onnxruntime", "tract", "candle"];

/// The colour of the `index`-th of the `names`.
pub fn color(names: &[String], index: usize) -> RGBColor {
    let known = |name: &String| KNOWN.iter().position(|backend| backend == name);
    if let Some(fixed) = names.get(index).and_then(known) {
        return COLORS[fixed];
    }
    let rank = names.iter().take(index).filter(|name| known(name).is_none()).count();
    COLORS[KNOWN.len() + rank % (COLORS.len() - KNOWN.len())]
}
