SELECT {{ columns }} FROM somewhere
