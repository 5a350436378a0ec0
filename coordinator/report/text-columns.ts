/** Columns of text for a terminal, each as wide as its widest cell. */

export interface Column {
  readonly heading: string;
  readonly align: 'left' | 'right';
  readonly cells: readonly string[];
}

/** The lines: headings, a rule, and a line for each row. */
export function layOut(columns: readonly Column[]): string[] {
  const widths = columns.map(({ heading, cells }) =>
    Math.max(heading.length, ...cells.map((cell) => cell.length)),
  );
  const line = (cell: (column: Column) => string): string =>
    columns
      .map((column, at) =>
        column.align === 'left'
          ? cell(column).padEnd(widths[at]!)
          : cell(column).padStart(widths[at]!),
      )
      .join('  ')
      .trimEnd();
  const count = columns[0]?.cells.length ?? 0;
  return [
    `  ${line(({ heading }) => heading)}`,
    `  ${widths.map((width) => '-'.repeat(width)).join('  ')}`,
    ...Array.from({ length: count }, (_, row) => `  ${line(({ cells }) => cells[row]!)}`),
  ];
}
