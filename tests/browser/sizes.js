// The sizes of window in which pages are looked at, in CSS pixels.

export const DESK = { width: 1280, height: 900 };
/// The narrowest phones that are sold have 360 pixels.
export const PHONE = { width: 360, height: 740 };
