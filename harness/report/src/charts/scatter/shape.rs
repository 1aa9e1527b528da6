//! The shapes of points: precisions can be told apart without their colours.

use plotters::{
    prelude::{Circle, PathElement, Polygon, Rectangle},
    style::{Color, RGBColor},
};
use pocketwatt_protocol::Precision;

use crate::charts::canvas::{Canvas, drawing_error};

/// Half of a shape's width and height, in pixels.
pub const REACH: i32 = 6;

/// Draws the shape of a precision around a point.
///
/// # Errors
/// When the drawing library fails.
pub fn draw_shape(canvas: &Canvas, precision: Precision, (x, y): (i32, i32), ink: RGBColor) -> anyhow::Result<()> {
    let polygon = |corners: &[(i32, i32)]| {
        let corners: Vec<(i32, i32)> = corners.iter().map(|(right, down)| (x + right, y + down)).collect();
        canvas.draw(&Polygon::new(corners, ink.filled())).map_err(drawing_error)
    };
    match precision {
        Precision::F32 => canvas.draw(&Circle::new((x, y), REACH, ink.filled())).map_err(drawing_error),
        Precision::F16 => {
            let corners = [(x - REACH + 1, y - REACH + 1), (x + REACH - 1, y + REACH - 1)];
            canvas.draw(&Rectangle::new(corners, ink.filled())).map_err(drawing_error)
        }
        Precision::Bf16 => polygon(&[(0, -REACH - 1), (REACH + 1, 0), (0, REACH + 1), (-REACH - 1, 0)]),
        Precision::Int8 => polygon(&[(0, -REACH), (REACH + 1, REACH - 1), (-REACH - 1, REACH - 1)]),
        Precision::W8a8 => polygon(&[(0, REACH), (REACH + 1, 1 - REACH), (-REACH - 1, 1 - REACH)]),
        Precision::Int4 => [[(-5, -5), (5, 5)], [(-5, 5), (5, -5)]].into_iter().try_for_each(|ends| {
            let ends = ends.map(|(right, down)| (x + right, y + down));
            canvas.draw(&PathElement::new(ends, ink.stroke_width(3))).map_err(drawing_error)
        }),
    }
}
