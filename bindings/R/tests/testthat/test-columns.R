# What the columns of a data frame mean: the same in flip_table, flip_infer and flip_check.

# What haven::read_sav(user_na = TRUE) gives, made without haven.
spss <- function(x, labels, na_values = NULL, na_range = NULL) {
  structure(x, labels = labels, na_values = na_values, na_range = na_range,
            class = c("haven_labelled_spss", "haven_labelled", "vctrs_vctr", typeof(x)))
}
column <- function(x, schema) as.data.frame(flip_table(frame_of_one(x), schema))$x
frame_of_one <- function(x) {
  out <- data.frame(row = seq_along(x))
  out$x <- x
  out["x"]
}
methods::setClass("numeric_with_unit", contains = "numeric", representation(unit = "character"))
rule <- function(code) tryCatch({ code; "accepted" }, flip_error = conditionMessage)

test_that("user-missing codes of SPSS files are missing in every way in", {
  x <- spss(c(1, 2, 9, 99, NA, 1), c(Yes = 1, No = 2, Refused = 9, Absent = 99), na_values = c(9, 99))
  wide <- flip_schema(flip_field("x", "integer", minimum = 1, maximum = 99))
  expect_identical(column(x, wide), c(1L, 2L, NA, NA, NA, 1L))
  expect_true(flip_check(wide, frame_of_one(x))$fits)
  narrow <- flip_schema(flip_field("x", "integer", minimum = 1, maximum = 2))
  expect_true(flip_check(narrow, frame_of_one(x))$fits)
  expect_identical(column(spss(c(1, 95, 2), NULL, na_range = c(90, Inf)), narrow), c(1L, NA, 2L))
  strict <- flip_schema(flip_field("x", "integer", minimum = 1, maximum = 99, required = TRUE))
  expect_false(flip_check(strict, frame_of_one(x))$fits)
  expect_match(rule(column(x, strict)), "row 3")
  drafted <- flip_infer(frame_of_one(x))
  expect_identical(as.list(drafted)$fields[[1]]$constraints, list(enum = list("Yes", "No")))
  expect_identical(as.character(column(x, drafted)), c("Yes", "No", NA, NA, NA, "Yes"))
  expect_identical(as.list(flip_infer(frame_of_one(spss(c(1, 7, 9), c(Refused = 9), na_values = 9))))$fields[[1]]$type,
      "integer")
})

test_that("labels of a column are the levels of a field of texts, its values those of all others", {
  x <- structure(c(2, 1, NA), labels = c(Yes = 1, No = 2, Perhaps = 3),
      class = c("haven_labelled", "vctrs_vctr", "double"))
  texts <- flip_schema(flip_field("x", "string", enum = c("No", "Perhaps", "Yes")))
  expect_identical(as.character(column(x, texts)), c("No", "Yes", NA))
  expect_true(flip_check(texts, frame_of_one(x))$fits)
  expect_identical(column(x, flip_schema(flip_field("x", "integer", minimum = 1, maximum = 3))), c(2L, 1L, NA))
  expect_identical(as.character(column(x, flip_schema(flip_field("x", "string", enum = c("1", "2"))))), c("2", "1", NA))
  expect_match(rule(column(x, flip_schema(flip_field("x", "string", enum = c("a", "b"))))), "as_factor")
  partly <- structure(c(1, 4), labels = c(Yes = 1), class = c("haven_labelled", "vctrs_vctr", "double"))
  expect_match(rule(column(partly, texts)), "as_factor")
  expect_identical(as.list(flip_infer(frame_of_one(x)))$fields[[1]]$constraints$enum, list("Yes", "No", "Perhaps"))
})

test_that("haven's own columns are read in the same way", {
  skip_if_not_installed("haven")
  x <- haven::labelled_spss(c(1, 2, 9, NA), c(yes = 1, no = 2, refused = 9), na_values = 9)
  expect_identical(is.na(x), libflip:::absent(x))
  range <- haven::labelled_spss(c(1, 95, 89.5, NA), na_range = c(90, 99))
  expect_identical(is.na(range), libflip:::absent(range))
  expect_identical(column(x, flip_schema(flip_field("x", "integer", minimum = 1, maximum = 99))), c(1L, 2L, NA, NA))
  expect_identical(as.character(column(x, flip_infer(frame_of_one(x)))), c("yes", "no", NA, NA))
})

test_that("a factor with values of its own has its labels", {
  # as package hdf5r gives it
  x <- structure(c(5L, 9L, 5L), levels = c("a", "b"), values = c(5L, 9L), class = "factor_ext")
  schema <- flip_schema(flip_field("x", "string", enum = c("b", "a")))
  expect_identical(as.character(column(x, schema)), c("a", "b", "a"))
  expect_identical(as.list(flip_infer(frame_of_one(x)))$fields[[1]]$constraints$enum, list("a", "b"))
})

test_that("a factor's code without a level is missing in every way in", {
  x <- structure(c(1L, 2L, 255L), levels = c("b", "a"), class = "factor")                  # as package hdf5r reads NA
  schema <- flip_schema(flip_field("x", "string", enum = c("b", "a")))
  expect_identical(as.character(column(x, schema)), c("b", "a", NA))
  expect_true(flip_check(schema, frame_of_one(x))$fits)
  drafted <- flip_infer(frame_of_one(x))
  expect_null(as.list(drafted)$fields[[1]]$constraints$required)
  expect_identical(as.character(column(x, drafted)), c("b", "a", NA))
})

test_that("classes that no plain vector stands for are refused by name", {
  strange <- list(methods::new("numeric_with_unit", c(1, 2), unit = "CANARY"), structure(1:2, class = "integer64"),
      structure(c(1, 2), class = "difftime", units = "secs"))
  wide <- flip_schema(flip_field("x", "integer", minimum = 0, maximum = 9))
  for (x in strange) {
    for (said in c(rule(libflip:::plain_column("x", x)),
        rule(libflip:::set_column(NULL, libflip:::fields_of(wide)[[1]], x, "")))) {
      expect_match(said, paste0("column 'x': a column of class ", class(x)[1]), fixed = TRUE)
      expect_no_match(said, "CANARY", fixed = TRUE)
    }
  }
})

test_that("levels that look like numbers, dates or truth values stay levels, in their order", {
  levels_of <- function(x) {
    field <- as.list(flip_infer(frame_of_one(x)))$fields[[1]]
    expect_identical(field$type, "string")
    unlist(field$constraints$enum)
  }
  code <- factor(rep(c(2, 1, 99), 50), levels = c(99, 2, 1, 7))
  expect_identical(levels_of(code), c("99", "2", "1", "7"))
  expect_identical(levels(column(code, flip_infer(frame_of_one(code)))), c("99", "2", "1", "7"))
  expect_identical(column(code, flip_infer(frame_of_one(code))), code)
  expect_identical(levels_of(factor(c("2020-01-02", "2020-01-01"), levels = c("2020-01-02", "2020-01-01"))),
      c("2020-01-02", "2020-01-01"))
  expect_identical(levels_of(factor(c("true", "false"))), c("false", "true"))
  expect_identical(levels_of(ordered(c("1", "?", "2"), levels = c("?", "2", "1"))), c("?", "2", "1"))
  expect_identical(levels_of(rep(c("007", "10", "9", NA), 30)), c("007", "10", "9"))
  expect_identical(levels_of(rep(c("10", "9", "1"), 30)), c("1", "10", "9"))
  expect_false(isTRUE(as.list(flip_infer(frame_of_one(factor(c("1", NA, "2")))))$fields[[1]]$constraints$required))
  expect_error(flip_infer(frame_of_one(as.character(1001:1100))), "hardly", class = "flip_error_schema")
  expect_error(flip_infer(frame_of_one(factor(1:12)), levels = 11), "11", class = "flip_error_schema")
})

test_that("a text counts as often as it occurs", {
  words <- rep(sprintf("w%02d", 1:50), 20)
  expect_length(as.list(flip_infer(frame_of_one(words)))$fields[[1]]$constraints$enum, 50)
  expect_error(flip_infer(frame_of_one(sprintf("w%02d", 1:50))), class = "flip_error_schema")
})

test_that("whole numbers beyond 2^53 are exact or refused", {
  integers <- function(constraints) {
    flip_schema(sprintf('{"fields": [{"name": "x", "type": "integer", "constraints": {%s}}]}', constraints))
  }
  schema <- integers('"minimum": 0, "maximum": 1000000000000000001')
  digits <- c("9007199254740993", "9007199254740994", NA, "0", "1000000000000000001")
  x <- libflip:::int64_of(digits)
  back <- column(x, schema)
  expect_s3_class(back, "integer64")
  expect_identical(libflip:::int64_text(back), digits)
  expect_identical(libflip:::int64_text(column(digits, schema)), digits)
  expect_match(rule(column(c(1, 2^53 + 2), schema)), "column 'x': a double beyond 2^53", fixed = TRUE)
  expect_false(flip_check(schema, frame_of_one(c(1, 2^53 + 2)))$fits)
  expect_identical(libflip:::int64_text(column(c(7, 2^53), schema)), c("7", "9007199254740992"))
  real <- flip_schema(flip_field("x", "number", minimum = 0, maximum = 1e18))
  expect_match(rule(column(x, real)), "beyond 2^53", fixed = TRUE)
  expect_identical(column(libflip:::int64_of(c("7", NA)), real), c(7, NA))
  levels <- integers('"enum": [5, 9007199254740993]')
  expect_identical(libflip:::int64_text(column(libflip:::int64_of(c("9007199254740993", "5")), levels)),
      c("9007199254740993", "5"))
  drafted <- flip_infer(frame_of_one(x))
  expect_identical(libflip:::int64_text(column(x, drafted)), digits)
  expect_identical(as.character(flip_schema(as.list(schema))), as.character(schema))
  bounds <- flip_schema(flip_field("x", "integer", minimum = libflip:::int64_of("-9007199254740993"), maximum = 1e18))
  expect_match(as.character(bounds), '"minimum":-9007199254740993,"maximum":1000000000000000000', fixed = TRUE)
  expect_identical(as.list(flip_infer(frame_of_one(c(1, 2^60))))$fields[[1]]$type, "number")
})

test_that("a number, a day or a moment that a missing text spells is missing", {
  for (low in c(1, -9)) {
    schema <- flip_schema(flip_field("x", "integer", minimum = low, maximum = 9), missing_values = c("", "-9", "NA"))
    for (x in list(c(1, -9), c(1L, -9L), libflip:::int64_of(c("1", "-9")), c("1", "-9"), factor(c("1", "-9")))) {
      expect_identical(column(x, schema), c(1L, NA))
      expect_true(flip_check(schema, frame_of_one(x))$fits)
    }
    csv <- tempfile(fileext = ".csv")
    writeLines(c("x", "1", "-9"), csv)
    expect_identical(as.data.frame(flip_read_csv(csv, schema))$x, c(1L, NA))
  }
  real <- flip_schema(flip_field("x", "number", minimum = 0, maximum = 9), missing_values = "-9.5")
  expect_identical(column(c(1.5, -9.5), real), c(1.5, NA))
  day <- flip_schema(flip_field("x", "date", minimum = "2020-01-01", maximum = "2020-12-31"),
      missing_values = "1900-01-01")
  expect_identical(column(as.Date(c("1900-01-01", "2020-05-05")), day), as.Date(c(NA, "2020-05-05")))
  yes <- flip_schema(flip_field("x", "boolean"), missing_values = "9")
  expect_identical(column(c(0, 1, 9), yes), c(FALSE, TRUE, NA))
  coded <- flip_schema(flip_field("x", "integer", enum = c(1, 2)), missing_values = c("", "-9"))
  expect_identical(column(c(1, -9, 2), coded), c(1L, NA, 2L))
})

test_that("bytes that are no text of their encoding are refused by column and rule", {
  bad <- rep(c("caf\xe9", "CANARY"), 30)
  latin <- bad
  Encoding(latin) <- "latin1"
  expect_identical(unlist(as.list(flip_infer(frame_of_one(latin)))$fields[[1]]$constraints$enum),
      c("CANARY", "caf\u00e9"))
  skip_if_not(l10n_info()[["UTF-8"]], "a session in another encoding than UTF-8")
  schema <- flip_schema(flip_field("x", "string", enum = c("caf\u00e9", "CANARY")))
  expect_identical(levels(column(latin, schema)), c("caf\u00e9", "CANARY"))
  for (x in list(bad, factor(bad))) {
    for (said in c(rule(flip_infer(frame_of_one(x))), rule(column(x, schema)),
        flip_check(schema, frame_of_one(x))$problems$rule)) {
      expect_match(said, "column 'x': not UTF-8", fixed = TRUE)
      expect_no_match(said, "caf", fixed = TRUE)
    }
  }
  for (mark in c("bytes", "UTF-8")) {
    marked <- "caf\xe9"
    Encoding(marked) <- mark
    expect_match(rule(column(c(marked, "CANARY"), schema)), "column 'x': not UTF-8", fixed = TRUE)
  }
  expect_error(flip_schema(flip_field("x", "string", enum = "caf\xe9")), "UTF-8", class = "flip_error_arg")
  expect_error(flip_schema(flip_field("caf\xe9", "boolean")), "UTF-8", class = "flip_error_arg")
  named <- data.frame(row = 1:2, x = 1:2)
  names(named)[2] <- "caf\xe9"
  expect_error(flip_infer(named), "the name of column 2", class = "flip_error_schema")
  expect_error(flip_table(named, schema), "the name of column 2", class = "flip_error_schema")
})

test_that("a session in another encoding reads no wrong letters", {
  code <- c("d <- data.frame(x = rep(c('caf\\xc3\\xa9', 'tea'), 30))",
            "cat(tryCatch({ flip_infer(d); 'accepted' }, flip_error = conditionMessage), '\\n')",
            "Encoding(d$x) <- 'UTF-8'",
            "cat(utf8ToInt(unlist(as.list(flip_infer(d))$fields[[1]]$constraints$enum)[1]), '\\n')")
  said <- run_r(code, env = "LC_ALL=C")
  expect_match(said[1], "not UTF-8")
  expect_identical(said[2], "99 97 102 233 ")
})

test_that("moments are exact to the microsecond or refused", {
  schema <- flip_schema(flip_field("x", "datetime", minimum = "1700-01-01T00:00:00Z", maximum = "2300-01-01T00:00:00Z"))
  moment <- function(seconds) as.POSIXct(seconds, origin = "1970-01-01", tz = "UTC")
  set.seed(4)
  micros <- round(runif(2000, -8e15, 8e15))
  exact <- moment(micros / 1e6)
  expect_identical(column(exact, schema), exact)
  expect_identical(column(moment(c(0.5, NA, -1e-6, 1e9)), schema), moment(c(0.5, NA, -1e-6, 1e9)))
  late <- as.POSIXct(c("2299-01-01 00:00:01", "2290-05-05 12:00:00"), tz = "UTC")
  expect_identical(column(late, schema), late)
  parsed <- as.POSIXct(sprintf("2024-03-01 10:11:%02d.%06d", 0:59, sample(0:999999, 60)), format = "%Y-%m-%d %H:%M:%OS",
      tz = "UTC")
  expect_identical(column(parsed, schema), parsed)
  for (fine in c(1577934245.1234567, 1e-7, 0.1234567)) {
    expect_match(rule(column(moment(c(0, fine)), schema)), "column 'x': finer than a microsecond")
    expect_match(flip_check(schema, frame_of_one(moment(c(0, fine))))$problems$rule, "finer than a microsecond")
    expect_match(rule(flip_infer(frame_of_one(moment(c(0, fine))))), "finer than a microsecond")
  }
  now <- Sys.time()
  expect_identical(rule(column(.POSIXct(round(as.numeric(now) * 1e6) / 1e6, "UTC"), schema)), "accepted")
})

test_that("labelled missing values of fields without levels are states that come back", {
  schema <- flip_schema(list(fields = list(
      list(name = "x", type = "integer", constraints = list(minimum = 0, maximum = 100)),
      list(name = "d", type = "date", constraints = list(minimum = "2000-01-01", maximum = "2030-12-31"))),
      missingValues = list(list(value = ""), list(value = "-9", label = "refused"),
          list(value = "9999-12-31", label = "never"))))
  rows <- data.frame(x = c(1L, -9L, NA, 4L), d = as.Date(c("2020-01-01", "9999-12-31", NA, NA)))
  table <- flip_table(rows, schema)
  expect_identical(as.data.frame(table), rows)
  expect_identical(as.character(flip_reasons(table, "x")), c(NA, "-9", NA, NA))
  expect_identical(levels(flip_reasons(table, "d")), c("-9", "9999-12-31"))
  expect_true(flip_check(schema, rows)$fits)
  csv <- tempfile(fileext = ".csv")
  flip_write_csv(table, csv)
  expect_identical(readLines(csv), c("x,d", "1,2020-01-01", "-9,9999-12-31", ",", "4,"))
  skip_if_not_installed("haven")
  user <- data.frame(x = haven::labelled_spss(c(1, -9, NA, 4), c(refused = -9), na_values = -9))
  one <- flip_schema(list(fields = list(list(name = "x", type = "integer",
      constraints = list(minimum = 0, maximum = 100))), missingValues = list(list(value = "-9", label = "refused"))))
  expect_identical(as.data.frame(flip_table(user, one))$x, rows$x)
})
