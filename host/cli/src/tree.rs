//! Trees as `notation list` and `notation inspect` draw them.

/// A line of text with lines below it.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    text: String,
    children: Vec<Tree>,
}

impl Tree {
    /// A line without children.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            children: Vec::new(),
        }
    }

    /// Adds a child and gives it back, so that it can have children of its own.
    pub fn add(&mut self, text: impl Into<String>) -> &mut Self {
        self.children.push(Self::new(text));
        let last = self.children.len() - 1;
        &mut self.children[last]
    }

    /// Adds `name: value`.
    pub fn pair(&mut self, name: &str, value: impl std::fmt::Display) {
        self.add(format!("{name}: {value}"));
    }

    /// The lines, each ended by a newline.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = format!("{}\n", self.text);
        self.render_children("", &mut text);
        text
    }

    // The depth is that of the documents we draw (five at most), never that of an input.
    fn render_children(&self, indent: &str, text: &mut String) {
        for (index, child) in self.children.iter().enumerate() {
            let last = index + 1 == self.children.len();
            let (branch, below) = if last {
                ("└── ", "    ")
            } else {
                ("├── ", "│   ")
            };
            text.push_str(&format!("{indent}{branch}{}\n", child.text));
            child.render_children(&format!("{indent}{below}"), text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_child_closes_its_branch() {
        let mut tree = Tree::new("root");
        tree.add("a").add("a1");
        tree.add("b").add("b1");
        assert_eq!(
            tree.render(),
            "root\n├── a\n│   └── a1\n└── b\n    └── b1\n"
        );
    }
}
