//! The legend of a chart: which colour is which.

use plotters::{
    prelude::Rectangle,
    style::{
        Color,
        text_anchor::{HPos, VPos},
    },
};

use crate::charts::{
    canvas::{Canvas, LINE, MARGIN, TEXT_SIZE, WIDTH, draw_text, drawing_error, text_style, text_width},
    palette::{INK, Inks},
};

/// A swatch for each label, as many in a line as fit.
pub fn draw_legend(canvas: &Canvas, inks: &Inks, labels: &[String], top: i32) -> anyhow::Result<i32> {
    const SWATCH: i32 = 12;
    let (mut x, mut y) = (MARGIN, top);
    for (index, label) in labels.iter().enumerate() {
        let width = SWATCH + 6 + text_width(label) + 18;
        if x > MARGIN && x + width > WIDTH as i32 - MARGIN {
            x = MARGIN;
            y += LINE + 2;
        }
        let swatch = Rectangle::new([(x, y), (x + SWATCH, y + SWATCH)], inks.of(index).filled());
        canvas.draw(&swatch).map_err(drawing_error)?;
        draw_text(canvas, label, (x + SWATCH + 6, y - 1), text_style(TEXT_SIZE, INK, HPos::Left, VPos::Top))?;
        x += width;
    }
    Ok(y + LINE + 6)
}
