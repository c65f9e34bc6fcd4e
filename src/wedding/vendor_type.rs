//! What vendors do.

use super::word::{word_set, words};

words! {
    /// What a vendor does. One vendor may do several things.
    VendorType, "vendor type":
    /// Plans the wedding.
    Planner = "planner",
    /// Takes pictures.
    Photographer = "photographer",
    /// Takes film.
    Videographer = "videographer",
    /// Takes short pieces for social platforms.
    ContentCreator = "content_creator",
    /// Gives the place.
    Venue = "venue",
    /// Gives food and drink.
    Caterer = "caterer",
    /// Bakes the cake.
    Cake = "cake",
    /// Brings the flowers.
    Florist = "florist",
    /// Lends decoration.
    DecorRental = "decor_rental",
    /// Lights, sound and pictures on walls.
    LightingAv = "lighting_av",
    /// Plays records.
    Dj = "dj",
    /// Plays at the party.
    Band = "band",
    /// Plays at the ceremony.
    CeremonyMusician = "ceremony_musician",
    /// Marries them.
    Officiant = "officiant",
    /// Hair and make-up.
    HairMakeup = "hair_makeup",
    /// Dresses and suits.
    Attire = "attire",
    /// Cards and paper.
    Stationery = "stationery",
    /// A booth for pictures.
    PhotoBooth = "photo_booth",
    /// Cars and buses.
    Transport = "transport",
    /// Beds.
    Accommodation = "accommodation",
    /// Looks after children.
    Childcare = "childcare",
    /// Looks after safety.
    Security = "security",
    /// Anything else.
    Other = "other",
}

word_set! {
    /// A set of vendor types.
    VendorTypeSet(u32) of VendorType
}
