"""Every store of the authority's state, written once in SQL that both databases speak. Knows no driver."""
