//! Where labels of points find room.

use std::ops::Range;

/// Pixels between a label and the shape of its point.
pub const NEAR: i32 = 3;
/// The same for labels that find no room there.
const FAR: [i32; 2] = [18, 36];

/// A rectangle of pixels: from left to right, and from top to bottom.
#[derive(Clone, Debug, PartialEq)]
pub struct Room {
    /// From left to right.
    pub across: Range<i32>,
    /// From top to bottom.
    pub down: Range<i32>,
}

impl Room {
    /// Around a point, so far to each side.
    pub fn around((x, y): (i32, i32), reach: i32) -> Self {
        Self { across: x - reach..x + reach, down: y - reach..y + reach }
    }

    /// Between two points, and so far beyond them to each side.
    pub fn between(one: (i32, i32), other: (i32, i32), reach: i32) -> Self {
        let side = |one: i32, other: i32| one.min(other) - reach..one.max(other) + reach;
        Self { across: side(one.0, other.0), down: side(one.1, other.1) }
    }

    fn overlaps(&self, other: &Self) -> bool {
        let meets = |one: &Range<i32>, other: &Range<i32>| one.start < other.end && other.start < one.end;
        meets(&self.across, &other.across) && meets(&self.down, &other.down)
    }

    fn is_inside(&self, whole: &Self) -> bool {
        let within = |part: &Range<i32>, whole: &Range<i32>| whole.start <= part.start && part.end <= whole.end;
        within(&self.across, &whole.across) && within(&self.down, &whole.down)
    }
}

/// A point that gets a label, in pixels.
#[derive(Clone, Copy)]
pub struct Labelled {
    /// The point.
    pub at: (i32, i32),
    /// Width and height of its label.
    pub size: (i32, i32),
}

/// The top left corner of each label, in the order of the points; `None` where there is no room beside the point. Labels are
/// inside of `whole`, and beside each other, the points and what else is `taken`: preferably whiskers, too.
pub fn place_labels(
    points: &[Labelled],
    whole: &Room,
    taken: &[Room],
    whiskers: &[Room],
    reach: i32,
) -> Vec<Option<(i32, i32)>> {
    let mut taken: Vec<Room> =
        taken.iter().cloned().chain(points.iter().map(|point| Room::around(point.at, reach))).collect();
    let mut places = Vec::new();
    for &Labelled { at, size } in points {
        let free = |room: &Room, others: &[Room]| !others.iter().any(|other| room.overlaps(other));
        let fits = |room: &Room| room.is_inside(whole) && free(room, &taken);
        let near = candidates(at, size, reach + NEAR);
        let far = FAR.iter().flat_map(|distance| candidates(at, size, reach + distance));
        let rooms: Vec<Room> = near.into_iter().chain(far).collect();
        let room =
            rooms.iter().find(|room| fits(room) && free(room, whiskers)).or(rooms.iter().find(|room| fits(room)));
        places.push(room.map(|room| (room.across.start, room.down.start)));
        taken.extend(room.cloned());
    }
    places
}

/// Rooms so far from a point for a label of that width and height, the best one first.
fn candidates((x, y): (i32, i32), (width, height): (i32, i32), near: i32) -> Vec<Room> {
    let room = |left: i32, top: i32| Room { across: left..left + width, down: top..top + height };
    let middle = (x - width / 2, y - height / 2);
    vec![
        room(x + near, y - near - height / 2),
        room(x + near, y + near - height / 2),
        room(x + near, middle.1),
        room(x - near - width, y - near - height / 2),
        room(x - near - width, y + near - height / 2),
        room(x - near - width, middle.1),
        room(middle.0, y - near - height),
        room(middle.0, y + near),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: Room = Room { across: 0..300, down: 0..200 };

    fn rooms(points: &[Labelled], places: &[Option<(i32, i32)>]) -> Vec<Room> {
        let placed = points.iter().zip(places).filter_map(|(point, place)| Some((point.size, (*place)?)));
        placed.map(|(size, (x, y))| Room { across: x..x + size.0, down: y..y + size.1 }).collect()
    }

    #[test]
    fn labels_cover_neither_points_nor_each_other_nor_the_edge() {
        let points: Vec<_> =
            [(150, 100), (155, 104), (150, 108), (290, 10), (5, 195)].map(|at| Labelled { at, size: (60, 14) }).into();
        let places = place_labels(&points, &WHOLE, &[], &[], 6);
        let rooms = rooms(&points, &places);
        assert_eq!(rooms.len(), points.len(), "{places:?}");
        for (index, room) in rooms.iter().enumerate() {
            assert!(room.is_inside(&WHOLE) && !rooms[..index].iter().any(|other| room.overlaps(other)), "{rooms:?}");
            assert!(!points.iter().any(|point| room.overlaps(&Room::around(point.at, 6))), "{rooms:?}");
        }
    }

    #[test]
    fn where_there_is_no_room_there_is_no_label() {
        let points = [Labelled { at: (150, 100), size: (60, 14) }; 40];
        let places = place_labels(&points, &WHOLE, &[], &[], 6);
        assert!(places.iter().flatten().count() < 25 && places[0].is_some());
        assert_eq!(place_labels(&points[..1], &WHOLE, &[WHOLE], &[], 6), [None]);
        assert!(place_labels(&points[..1], &WHOLE, &[], &[WHOLE], 6)[0].is_some(), "a whisker may be covered");
    }
}
