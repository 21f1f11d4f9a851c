test_that("a table goes out and comes back as an Arrow stream", {
  stream <- flip_stream(flip_table(frame, small_schema))
  expect_s3_class(stream, "nanoarrow_array_stream")
  expect_identical(as.data.frame(flip_table(stream, small_schema)), frame)
  expect_error(flip_table(stream, small_schema), class = "flip_error_arg")              # used up
  other <- flip_schema(flip_field("x", "boolean"))
  stream <- flip_stream(flip_table(frame, small_schema))
  expect_error(flip_table(stream, other), class = "flip_error_schema")
  expect_error(flip_table(stream, small_schema), class = "flip_error_arg")              # used up by the error as well
  expect_error(flip_table(flip_stream(flip_table(frame, small_schema))), "schema", class = "flip_error_arg")
  expect_error(flip_stream(frame), class = "flip_error_arg")
  path <- tempfile()
  saveRDS(flip_stream(flip_table(frame, small_schema)), path)
  expect_error(flip_table(readRDS(path), small_schema), class = "flip_error_arg")
})

test_that("a stream outlives its table, and one that nobody reads is freed", {
  stream <- flip_stream(flip_table(frame, small_schema))
  for (i in 1:3) gc()
  expect_identical(as.data.frame(flip_table(stream, small_schema)), frame)
  for (i in 1:20) flip_stream(flip_table(frame, small_schema))
  gc()
  expect_identical(dim(flip_table(frame, small_schema)), dim(frame))
})

test_that("what is neither a data frame nor Arrow data is refused", {
  expect_error(flip_table(1:3, small_schema), class = "flip_error_arg")
  skip_if(requireNamespace("nanoarrow", quietly = TRUE), "nanoarrow is installed")
  expect_error(flip_table(structure(list(), class = "RecordBatchReader"), small_schema), "nanoarrow",
      class = "flip_error_unsupported")
})

test_that("data frames through nanoarrow are those of the base path", {
  skip_if_not_installed("nanoarrow")
  through <- flip_table(nanoarrow::as_nanoarrow_array_stream(frame), small_schema)
  expect_identical(as.data.frame(through), frame)
  back <- as.data.frame(nanoarrow::as_nanoarrow_array_stream(flip_table(frame, small_schema)))
  expect_identical(back$age, as.numeric(frame$age))
  expect_identical(as.character(back$city), as.character(frame$city))
  expect_identical(back$joined, frame$joined)
})
