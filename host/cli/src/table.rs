//! Tables with the same spacing as `notation`: each column as wide as its widest cell, and three spaces.

/// Rows of cells below a header.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

const PADDING: usize = 3;

impl Table {
    /// A table with this header.
    #[must_use]
    pub fn new(header: &[&str]) -> Self {
        Self {
            rows: vec![header.iter().map(|&cell| cell.to_owned()).collect()],
        }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The lines, each ended by a newline. The last column is padded too.
    #[must_use]
    pub fn render(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
            })
            .collect();
        let mut text = String::new();
        for row in &self.rows {
            for (cell, width) in row.iter().zip(&widths) {
                text.push_str(cell);
                text.extend(std::iter::repeat_n(
                    ' ',
                    width + PADDING - cell.chars().count(),
                ));
            }
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_as_wide_as_its_widest_cell_and_three() {
        let mut table = Table::new(&["NAME", "ID"]);
        table.row(vec!["long name".to_owned(), String::new()]);
        assert_eq!(table.render(), "NAME        ID   \nlong name        \n");
    }
}
