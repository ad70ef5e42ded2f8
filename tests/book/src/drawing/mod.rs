//! Draws the figures, and the page that they are on.
//!
//! [`lanes`] (who runs, who waits) and [`picture`] (where things are) are two small languages;
//! [`bars`] draws the one, [`layout`] and [`sketch`] the other, [`svg`] is what both look like.
//! [`figures`] finds their files. [`page`] makes the whole book one page.

pub mod bars;
pub mod figures;
pub mod lanes;
pub mod layout;
pub mod page;
pub mod picture;
pub mod sketch;
pub mod svg;
