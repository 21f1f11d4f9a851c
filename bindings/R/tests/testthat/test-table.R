test_that("a data frame comes back as it went in", {
  back <- as.data.frame(flip_table(frame, small_schema))
  expect_identical(back, frame)
})

test_that("the same cells in other clothes give the same table", {
  same <- function(change) expect_identical(as.data.frame(flip_table(change, small_schema)), frame)
  same(within(frame, sex <- as.character(sex)))
  same(within(frame, city <- factor(as.character(city), levels = rev(c(cities, "Rome")))))
  same(within(frame, city <- addNA(city)))
  same(within(frame, { age <- as.numeric(age); stay <- as.numeric(stay); ward <- as.numeric(ward) }))
  same(within(frame, { age <- as.character(age); ward <- factor(ward) }))
  same(within(frame, member <- as.character(member)))
  same(within(frame, member <- ifelse(member, "true", "false")))
  same(within(frame, member <- as.integer(member)))
  same(within(frame, { joined <- format(joined); seen <- format(seen, "%Y-%m-%dT%H:%M:%SZ") }))
  same(within(frame, joined <- as.POSIXct(joined)))
  same(within(frame, joined <- joined + 0.25))                         # R shows the day and keeps a fraction
  same(within(frame, seen <- as.POSIXlt(seen)))
  same(within(frame, attr(seen, "tzone") <- "America/New_York"))
  same(within(frame, { city <- as.character(city); city[is.na(city)] <- "NA" }))
  same(frame[rev(names(frame))])
  same(structure(frame, class = c("tbl_df", "tbl", "data.frame")))
  same(structure(frame, row.names = rev(seq_len(nrow(frame)))))
  latin <- within(frame, city <- as.character(city))
  latin$city <- iconv(latin$city, "UTF-8", "latin1")
  same(latin)
})

test_that("a column of nothing but NA is missing in every type", {
  empty <- frame
  for (name in setdiff(names(frame), c("age", "sex"))) empty[[name]] <- NA
  back <- as.data.frame(flip_table(empty, small_schema))
  expect_true(all(is.na(back[setdiff(names(frame), c("age", "sex"))])))
  expect_identical(vapply(back, function(x) class(x)[1], ""), vapply(frame, function(x) class(x)[1], ""))
})

test_that("integers beyond 32 bits are exact", {
  schema <- flip_schema(flip_field("id", "integer", minimum = -2^53, maximum = 2^53),
      flip_field("near", "integer", minimum = 0, maximum = 2^31 - 1))
  x <- data.frame(id = c(2^53, -2^53, 2^31, NA, 0), near = c(2^31 - 1, 0, 1, NA, 2))
  back <- as.data.frame(flip_table(x, schema))
  expect_identical(back$id, x$id)
  expect_identical(back$near, c(.Machine$integer.max, 0L, 1L, NA, 2L))
  bits <- structure(c(4.94065645841247e-324 * 7, NA), class = "integer64")      # how package bit64 keeps the number 7
  expect_identical(as.data.frame(flip_table(data.frame(near = I(1:2), id = c(1, 2))[0:2, ], schema))$near, 1:2)
  wide <- data.frame(id = c(7, 7), near = c(1, 1))
  wide$id <- bits[c(1, 1)]
  class(wide$id) <- "integer64"
  expect_identical(as.data.frame(flip_table(wide, schema))$id, c(7, 7))
})

test_that("microseconds cross exactly", {
  schema <- flip_schema(flip_field("t", "datetime", minimum = "1900-01-01T00:00:00Z", maximum = "2100-01-01T00:00:00Z"))
  x <- data.frame(t = as.POSIXct(c(0.000001, 1700000000.123456, -1e9 - 0.5, NA), origin = "1970-01-01", tz = "UTC"))
  back <- as.data.frame(flip_table(x, schema))
  expect_identical(round(as.numeric(back$t) * 1e6), c(1, 1700000000123456, -1000000000500000, NA))
  text <- data.frame(t = libflip:::cell_text(x$t))
  expect_identical(as.data.frame(flip_table(text, schema)), back)
})

test_that("levels of other types come back in their own", {
  schema <- flip_schema(flip_field("d", "date", enum = c("2020-02-29", "2021-01-01")),
      flip_field("x", "number", enum = c(0.1, 2.5)), flip_field("s", "string", enum = c("10", "9")))
  x <- data.frame(d = as.Date(c("2021-01-01", NA)), x = c(2.5, 0.1), s = factor(c("9", "10"), levels = c("10", "9")))
  expect_identical(as.data.frame(flip_table(x, schema)), x)
  expect_identical(as.data.frame(flip_table(transform(x, s = c(9, 10)), schema))$s, x$s)
})

test_that("frames that break the schema name column and rule, and no value", {
  refused <- function(change, part, class = "flip_error_schema") {
    e <- tryCatch(flip_table(change, small_schema), flip_error = identity)
    expect_s3_class(e, class)
    expect_match(conditionMessage(e), part, fixed = TRUE)
    expect_no_match(conditionMessage(e), "Canary", fixed = TRUE)
  }
  refused(frame[names(frame) != "age"], "age")
  refused(within(frame, extra <- 1), "extra")
  refused(within(frame, age <- age + 100L), "age")
  refused(within(frame, sex <- "Canary"), "sex")
  refused(within(frame, sex <- NA), "sex")
  refused(within(frame, sex <- factor("Canary")), "sex")
  refused(within(frame, income <- 0.3), "income")
  refused(within(frame, weight <- Inf), "weight")
  refused(within(frame, stay <- 1.5), "stay")
  refused(within(frame, age <- 1e300), "age")
  refused(within(frame, joined <- seen + 60), "joined")
  refused(within(frame, joined <- 18000), "joined")
  refused(within(frame, seen <- as.POSIXct("1999-01-01", tz = "UTC")), "seen")
  refused(within(frame, age <- joined), "age")
  refused(within(frame, weight <- joined - joined), "weight")
  refused(within(frame, weight <- I(as.list(weight))), "weight")
  refused(within(frame, weight <- weight + 0i), "weight")
  refused(within(frame, weight <- I(matrix(0, length(weight), 2))), "weight")
  refused(cbind(frame, age = 1L), "same name")
  refused(frame[0, ], "row", "flip_error")
  refused(as.list(frame), "data frame", "flip_error_arg")
  expect_error(flip_table(frame), "schema", class = "flip_error_arg")
})

test_that("CSV and HDF5 come back as they went out", {
  table <- flip_table(frame, small_schema)
  csv <- tempfile(fileext = ".csv")
  h5 <- tempfile(fileext = ".h5")
  expect_identical(flip_write_csv(table, csv), table)
  expect_identical(as.data.frame(flip_read_csv(csv, small_schema)), frame)
  flip_write_csv(table, csv, delimiter = ";")
  expect_identical(as.data.frame(flip_read_csv(csv, small_schema, delimiter = ";")), frame)
  flip_write_hdf5(table, h5)
  expect_identical(as.data.frame(flip_read_hdf5(h5)), frame)
  expect_identical(flip_convert(h5, csv), csv)
  steps <- numeric()
  expect_identical(as.data.frame(flip_read_csv(csv, small_schema,
      progress = function(p) steps <<- c(steps, p$step / p$total))), frame)
  expect_gt(length(steps), 0)
  expect_identical(steps[length(steps)], 1)
  ours <- utils::read.csv(csv, encoding = "UTF-8", na.strings = "")
  expect_identical(ours$age, frame$age)
})

test_that("a bad file is a condition of its code and names the place, not the value", {
  csv <- tempfile(fileext = ".csv")
  writeLines(c("x,y", "1,true", "2,Canary-77"), csv)
  schema <- flip_schema(flip_field("x", "integer", minimum = 0, maximum = 9), flip_field("y", "boolean"))
  e <- tryCatch(flip_read_csv(csv, schema), flip_error_schema = conditionMessage)
  expect_match(e, "3")
  expect_no_match(e, "Canary", fixed = TRUE)
  expect_warning(table <- flip_read_csv(csv, schema, invalid = "coerce"), '1 of column "y"')
  expect_identical(as.data.frame(table)$y, c(TRUE, NA))
  expect_identical(flip_replaced(table), c(y = 1))
  expect_length(flip_replaced(flip_table(data.frame(x = 1, y = TRUE), schema)), 0)
  expect_warning(flip_convert(csv, tempfile(fileext = ".h5"), schema, invalid = "coerce"), '1 of column "y"')
  expect_error(flip_read_csv(csv, schema, invalid = "ignore"), class = "flip_error_arg")
  expect_error(flip_read_csv(tempfile(), schema), class = "flip_error_io")
  expect_error(flip_read_hdf5(csv), class = "flip_error_format")
})

ruled <- function() {
  flip_schema(list(fields = list(
      list(name = "low", type = "integer", constraints = list(minimum = 0, maximum = 9, required = TRUE)),
      list(name = "high", type = "integer", constraints = list(minimum = 0, maximum = 9, required = TRUE)),
      list(name = "sum", type = "integer", constraints = list(minimum = 0, maximum = 18, required = TRUE))),
    "flip:rules" = list(list(name = "order", order = list("low", "high")),
                        list(name = "total", sum = list(sum = list("low", "high"))))))
}

test_that("rows that break a rule are refused, or repaired or left out when that is asked for", {
  rows <- data.frame(low = c(1L, 5L, 2L), high = c(4L, 3L, 12L), sum = c(5L, 8L, 3L))
  kept <- data.frame(low = c(1L, 2L), high = c(4L, 9L), sum = c(5L, 11L))
  csv <- tempfile(fileext = ".csv")
  h5 <- tempfile(fileext = ".h5")
  utils::write.csv(rows, csv, row.names = FALSE)
  loose <- flip_schema(flip_field("low", "integer", minimum = 0, maximum = 99),
      flip_field("high", "integer", minimum = 0, maximum = 99), flip_field("sum", "integer", minimum = 0, maximum = 99))
  flip_write_hdf5(flip_table(rows, loose), h5)
  ways <- list(function(...) flip_table(rows, ruled(), ...), function(...) flip_read_csv(csv, ruled(), ...),
      function(...) flip_read_hdf5(h5, ruled(), ...))
  for (way in ways) {
    expect_error(way(), class = "flip_error_schema")
    expect_error(way(invalid = "ignore"), class = "flip_error_arg")
    expect_warning(expect_warning(table <- way(invalid = "coerce"), '1 of column "high"'), "rows were left out.*: 1")
    expect_identical(as.data.frame(table), kept)
    expect_identical(flip_replaced(table), c(high = 1, sum = 1))
    expect_identical(flip_dropped(table), 1)
  }
  whole <- flip_table(kept, ruled(), invalid = "coerce")
  expect_length(flip_replaced(whole), 0)
  expect_identical(flip_dropped(whole), 0)
  expect_error(flip_table(whole, invalid = "coerce"), class = "flip_error_arg")
  persons <- cbind(rows, who = c("a", "a", "b"))
  expect_error(suppressWarnings(flip_table(persons, ruled(), person = "who", max_rows_per_person = 1,
      invalid = "coerce")), "left out", class = "flip_error_schema")
})

test_that("a table shows its columns and not its number of rows", {
  table <- flip_table(frame, small_schema)
  expect_identical(dim(table), c(600L, 10L))
  expect_identical(colnames(table), names(frame))
  expect_output(print(table), "18 to 90")
  expect_no_match(paste(capture.output(print(table)), collapse = "\n"), "600")
  expect_match(format(table), "10 columns")
})

test_that("a table of another session says so", {
  path <- tempfile()
  saveRDS(flip_table(frame, small_schema), path)
  dead <- readRDS(path)
  expect_error(as.data.frame(dead), "another R process", class = "flip_error_state")
  expect_match(format(dead), "another session")
  expect_lt(file.size(path), 3000)                                     # no row in the file
})

test_that("a group is named wherever an HDF5 file is read", {
  h5 <- tempfile(fileext = ".h5ad")
  flip_write_hdf5(flip_table(frame, small_schema), h5, group = "obs")
  expect_identical(as.data.frame(flip_read_hdf5(h5, group = "obs")), frame)
  expect_identical(as.character(flip_infer(h5, group = "obs")), as.character(small_schema))
  expect_s3_class(flip_train(h5, small_plan(), group = "obs"), "flip_model")
  csv <- tempfile(fileext = ".csv")
  flip_convert(h5, csv, group = "obs")
  expect_identical(as.data.frame(flip_read_csv(csv, small_schema)), frame)
  again <- tempfile(fileext = ".h5")
  flip_convert(h5, again, group = "obs")
  expect_identical(as.data.frame(flip_read_hdf5(again)), frame)
  flip_convert(csv, again, small_schema, to_group = "rows")
  expect_true(flip_check(small_schema, again, group = "rows")$fits)
  expect_true(flip_check(small_schema, h5)$fits)                  # "obs" is found
  expect_error(flip_check(small_schema, csv, group = "rows"), "HDF5", class = "flip_error_arg")
  e <- flip_evaluate(h5, frame, schema = small_schema, classifiers = "none", group = "obs")
  expect_identical(e, flip_evaluate(frame, frame, schema = small_schema, classifiers = "none"))
  both <- flip_evaluate(h5, h5, small_schema, holdout = h5, classifiers = "none",
      group = c(real = "obs", synthetic = "obs", holdout = "obs"))
  expect_identical(both$holdout, "given")
  expect_error(flip_train(frame, small_plan(), group = "obs"), "HDF5", class = "flip_error_arg")
  expect_error(flip_convert(csv, again, small_schema, group = "obs"), "HDF5", class = "flip_error_arg")
  expect_error(flip_evaluate(h5, frame, group = c(rael = "obs")), "real", class = "flip_error_arg")
  expect_error(flip_read_hdf5(h5, group = "elsewhere"), class = "flip_error")
})
