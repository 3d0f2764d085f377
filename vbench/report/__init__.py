"""From runs to what people look at: frames, figures and the page."""
