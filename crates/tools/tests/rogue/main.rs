//! The rogue peer kit against a real host: what `punktfunk-tools rogue` runs, one promise a test, and what needs a
//! host of its own making. `docs/reference/security.md` lists the abuse cases with these tests.

mod advert;
mod attacks;
mod command;
mod console;
mod flood;
mod internet;
mod pins;
mod start;
mod weak_rsa;
