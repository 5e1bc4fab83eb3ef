//! Views that a closure makes, told to the renderer: they differ only in how they come to life.

/// Items of `RenderHtml` for a tuple struct whose first field is a closure that returns the view to render.
macro_rules! html_of_closure {
    () => {
        type AsyncOutput = Self;
        type Owned = Self;

        fn dry_resolve(&mut self) {}

        async fn resolve(self) -> Self {
            self
        }

        fn to_html_with_buf(
            self,
            buf: &mut String,
            position: &mut leptos::tachys::view::Position,
            escape: bool,
            mark_branches: bool,
            extra_attrs: Vec<leptos::tachys::html::attribute::any_attribute::AnyAttribute>,
        ) {
            (self.0)().to_html_with_buf(buf, position, escape, mark_branches, extra_attrs);
        }

        fn into_owned(self) -> Self {
            self
        }
    };
}
pub(crate) use html_of_closure;
