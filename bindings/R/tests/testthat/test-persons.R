# One person more moves the table of persons by that person's rows alone. R reads persons by the CSV reader's options.

visit_schema <- '{"fields": [{"name": "x", "type": "integer", "constraints": {"minimum": 0, "maximum": 9999}}]}'

kept <- function(visits, most) {
  path <- tempfile(fileext = ".csv")
  on.exit(unlink(path))
  utils::write.csv(visits, path, row.names = FALSE, quote = FALSE)
  schema <- flip_schema(visit_schema)
  config <- libflip:::config_json(list(person = "who", max_rows_per_person = most))
  pointer <- libflip:::check(.Call("r_table_read_csv", libflip:::pointer(schema), path, config, NULL, PACKAGE = "libflip"))
  as.data.frame(libflip:::new_table(pointer, schema))$x
}

# Rows to be added to or removed from one table to get the other.
distance <- function(a, b) {
  values <- union(a, b)
  sum(abs(table(factor(a, values)) - table(factor(b, values))))
}

test_that("one person more moves the bounded table by that person's rows", {
  visits <- data.frame(who = rep(sprintf("p%03d", 1:200), each = 5), x = (seq_len(1000) * 37) %% 9973)
  for (most in c(1L, 3L)) {
    before <- kept(visits, most)
    for (place in c(0, 500, 1000)) {
      new <- data.frame(who = "new", x = 9999)
      after <- kept(rbind(utils::head(visits, place), new, utils::tail(visits, 1000 - place)), most)
      expect_equal(distance(before, after), 1)
    }
    renamed <- transform(visits, who = paste0("q", match(who, unique(who)) * 7919))
    expect_equal(distance(before, kept(renamed, most)), 0)
    expect_equal(distance(before, kept(visits[rev(seq_len(1000)), ], most)), 0)
  }
})
