//! Madang's page.
