"""Everything that is written of a study: tables, figures and a page, made again at any time from its document."""
