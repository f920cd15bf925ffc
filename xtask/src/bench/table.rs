//! The table of a run, for people and as JSON.

use serde_json::{Value, json};

use super::figure::Figure;
use super::machine::Machine;
use super::plot::Chart;
use super::row::Line;
use super::stage::References;

/// Everything a run has found.
pub(super) struct Table {
    pub(super) machine: Machine,
    pub(super) references: References,
    pub(super) quick: bool,
    pub(super) lines: Vec<(u8, Line)>,
    pub(super) charts: Vec<Chart>,
}

impl Table {
    /// The lines that were measured.
    pub(super) fn figures(&self) -> Vec<(u8, Figure)> {
        let measured = |(row, line): &(u8, Line)| match line {
            Line::Measured(figure) => Some((*row, figure.clone())),
            Line::Missing { .. } => None,
        };
        self.lines.iter().filter_map(measured).collect()
    }

    /// Prints it.
    pub(super) fn print(&self) {
        println!();
        self.machine.print();
        if self.quick {
            println!("quick: fewer and shorter measurements than the targets ask for");
        }
        let references = self.references.iter();
        let references: Vec<String> = references
            .map(|(symbol, value)| format!("{symbol} {value}"))
            .collect();
        if !references.is_empty() {
            println!("references: {}", references.join(", "));
        }
        println!();
        let rows: Vec<[String; 7]> = self
            .lines
            .iter()
            .map(|(row, line)| cells(*row, line))
            .collect();
        let header = [
            "row", "property", "must", "stretch", "measured", "ratio", "",
        ]
        .map(str::to_owned);
        let all: Vec<&[String; 7]> = std::iter::once(&header).chain(&rows).collect();
        let width = |column: usize| {
            let lengths = all.iter().map(|row| row[column].chars().count());
            lengths.max().unwrap_or(0)
        };
        for row in &all {
            let cells: Vec<String> = row
                .iter()
                .enumerate()
                .map(|(column, cell)| pad(cell, width(column), column == 0 || column == 5))
                .collect();
            println!("{}", cells.join("  ").trim_end());
        }
        for (row, line) in &self.lines {
            if let Line::Missing {
                property, reason, ..
            } = line
            {
                println!("row {row}, {property}: not measured: {reason}");
            }
        }
    }

    pub(super) fn to_json(&self) -> Value {
        let rows: Vec<Value> = self
            .lines
            .iter()
            .map(|(row, line)| match line {
                Line::Measured(figure) => figure.to_json(*row),
                Line::Missing {
                    property,
                    must,
                    stretch,
                    reason,
                } => json!({
                    "row": row, "property": property, "must": must, "stretch": stretch,
                    "measured": null, "ratio": null, "reason": reason,
                }),
            })
            .collect();
        json!({
            "machine": self.machine.to_json(),
            "references": self.references,
            "quick": self.quick,
            "rows": rows,
            "charts": self.charts.iter().map(Chart::to_json).collect::<Vec<_>>(),
        })
    }
}

fn cells(row: u8, line: &Line) -> [String; 7] {
    match line {
        Line::Measured(figure) => [
            row.to_string(),
            figure.property().to_owned(),
            figure.must_text(),
            figure.stretch_text(),
            figure.measured_text(),
            format!("{:.2}", figure.ratio_value()),
            verdict(figure).to_owned(),
        ],
        Line::Missing {
            property,
            must,
            stretch,
            ..
        } => [
            row.to_string(),
            property.clone(),
            (*must).to_owned(),
            (*stretch).to_owned(),
            "not measured".to_owned(),
            "–".to_owned(),
            String::new(),
        ],
    }
}

fn verdict(figure: &Figure) -> &'static str {
    match (figure.reaches_must(), figure.reaches_stretch()) {
        (false, _) => "must MISSED",
        (true, None) => "must reached",
        (true, Some(false)) => "must reached, stretch missed",
        (true, Some(true)) => "must and stretch reached",
    }
}

/// Columns of numbers end at the same place, columns of words begin there.
fn pad(cell: &str, width: usize, right: bool) -> String {
    let space = " ".repeat(width.saturating_sub(cell.chars().count()));
    if right {
        space + cell
    } else {
        cell.to_owned() + &space
    }
}
