# One person more moves the table of persons by that person's rows alone, through a CSV file and through a data frame.

visit_schema <- '{"fields": [{"name": "x", "type": "integer", "constraints": {"minimum": 0, "maximum": 9999}}]}'

by_file <- function(visits, most) {
  path <- tempfile(fileext = ".csv")
  on.exit(unlink(path))
  utils::write.csv(visits, path, row.names = FALSE, quote = FALSE)
  as.data.frame(flip_read_csv(path, visit_schema, person = "who", max_rows_per_person = most))$x
}
by_frame <- function(visits, most) as.data.frame(flip_table(visits, visit_schema, "who", most))$x

# Rows to be added to or removed from one table to get the other.
distance <- function(a, b) {
  values <- union(a, b)
  sum(abs(table(factor(a, values)) - table(factor(b, values))))
}

for (kept in list(by_file, by_frame)) test_that("one person more moves the bounded table by that person's rows", {
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

test_that("a table of persons is trained on under a plan for persons", {
  visits <- data.frame(who = rep(c("a", "b", "c"), c(1, 4, 7)), x = 1:12)
  expect_identical(nrow(flip_table(visits, visit_schema, "who", 2)), 5L)
  for (most in c(1, 3)) expect_setequal(by_file(visits, most), by_frame(visits, most))
  people <- cbind(frame, who = seq_len(nrow(frame)) %/% 2)
  table <- flip_table(people, small_schema, person = "who", max_rows_per_person = 2)
  expect_error(flip_train(table, small_plan()), class = "flip_error")
  plan <- flip_plan(small_schema, epsilon = 4, delta = 1e-5, config = c(small, max_rows_per_person = 2))
  expect_s3_class(flip_train(table, plan), "flip_model")
  expect_error(flip_table(people, small_schema), "who", class = "flip_error_schema")
  expect_error(flip_table(people, small_schema, person = "nobody", max_rows_per_person = 2), class = "flip_error")
  expect_error(flip_table(people, small_schema, person = "who"), "max_rows", class = "flip_error_arg")
  expect_error(flip_table(frame, small_schema, person = "sex", max_rows_per_person = 2), "outside",
      class = "flip_error_arg")
  people$who[3] <- NA
  expect_error(flip_table(people, small_schema, person = "who", max_rows_per_person = 2), "belong",
      class = "flip_error_schema")
})
