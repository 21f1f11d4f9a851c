/* libflip.c - R's side of flip.h: one function here for one call there. It converts and holds no rule of its own; R/
 * checks arguments. Lifetimes, errors and jumps are in glue.h: read that first. */
#define _GNU_SOURCE /* dladdr */
#define R_NO_REMAP
#include "glue.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <R_ext/Rdynload.h>

/* -- library ------------------------------------------------------------------------------------------------------- */

/* The version that was loaded, the one this file was compiled for, the file it was loaded from. */
static SEXP r_version(void) {
    uint32_t (*function)(void) = flip_version;
    void *address;
    Dl_info info;
    SEXP out = PROTECT(Rf_allocVector(VECSXP, 3));
    memcpy(&address, &function, sizeof address); /* C has no cast from a function to a pointer */
    SET_VECTOR_ELT(out, 0, Rf_ScalarReal(flip_version()));
    SET_VECTOR_ELT(out, 1, Rf_ScalarReal(FLIP_VERSION));
    SET_VECTOR_ELT(out, 2, Rf_mkString(dladdr(address, &info) && info.dli_fname ? info.dli_fname : "libflip.so"));
    UNPROTECT(1);
    return out;
}

static SEXP r_build_info(void) { TEXT(flip_build_info(&out, &err)); }
static SEXP r_config_schema(SEXP what) { const char *w = text(what); TEXT(flip_config_schema(w, &out, &err)); }
static SEXP r_file_check(SEXP path) { const char *p = text(path); TEXT(flip_file_check(p, &out, &err)); }
static SEXP r_status_name(SEXP code) { return Rf_mkString(flip_status_name((flip_status)Rf_asInteger(code))); }

static SEXP r_alive(SEXP slot) {
    return Rf_ScalarLogical(R_ExternalPtrAddr(slot) && INTEGER(R_ExternalPtrProtected(slot))[0] == (int)getpid());
}

static SEXP r_free(SEXP slot) {
    release(slot);
    return R_NilValue;
}

/* -- schema -------------------------------------------------------------------------------------------------------- */

static SEXP r_schema_parse(SEXP json, SEXP into) {
    const char *j = text(json);
    HANDLE(SCHEMA, flip_schema, into, flip_schema_parse(j, strlen(j), &out, &err));
}
static SEXP r_schema_json(SEXP schema) { flip_schema *s = get(schema, SCHEMA); TEXT(flip_schema_json(s, &out, &err)); }

/* The text of a schema the library just gave; frees it. By its address: the call that gives it is an argument too. */
static flip_status schema_text(flip_status status, flip_schema **schema, flip_buffer **out, flip_error *err) {
    if (!status) status = flip_schema_json(*schema, out, err);
    flip_schema_free(*schema);
    return status;
}

static SEXP r_schema_infer_csv(SEXP path, SEXP config, SEXP report) {
    const char *p = text(path), *c = text(config);
    WATCHED_HANDLE(SCHEMA, flip_schema, report, flip_schema_infer_csv(p, c, tell, &w, &out, &err));
}
static SEXP r_schema_infer_hdf5(SEXP path, SEXP group, SEXP config) {
    const char *p = text(path), *g = text(group), *c = text(config);
    HANDLE(SCHEMA, flip_schema, R_NilValue, flip_schema_infer_hdf5(p, g, c, &out, &err));
}
static SEXP r_schema_infer_strings(SEXP name, SEXP codes, SEXP levels, SEXP config) {
    const char *n = text(name), *c = text(config);
    texts x = pack(codes, levels);
    HANDLE(SCHEMA, flip_schema, R_NilValue,
        flip_schema_infer_strings(n, x.bytes, x.offsets, x.valid, x.count, c, &out, &err));
}
static SEXP r_schema_check_csv(SEXP schema, SEXP path, SEXP config, SEXP report) {
    flip_schema *s = get(schema, SCHEMA);
    const char *p = text(path), *c = text(config);
    WATCHED_TEXT(report, flip_schema_check_csv(s, p, c, tell, &w, &out, &err));
}
static SEXP r_schema_check_hdf5(SEXP schema, SEXP path, SEXP group, SEXP report) {
    flip_schema *s = get(schema, SCHEMA);
    const char *p = text(path), *g = text(group);
    WATCHED_TEXT(report, flip_schema_check_hdf5(s, p, g, tell, &w, &out, &err));
}
static SEXP r_schema_check_strings(SEXP schema, SEXP field, SEXP codes, SEXP levels) {
    flip_schema *s = get(schema, SCHEMA);
    const char *f = text(field);
    texts x = pack(codes, levels);
    TEXT(flip_schema_check_strings(s, f, x.bytes, x.offsets, x.valid, x.count, &out, &err));
}

/* -- table --------------------------------------------------------------------------------------------------------- */

static SEXP r_table_create(SEXP schema, SEXP rows, SEXP config) {
    flip_schema *s = get(schema, SCHEMA);
    int64_t n = whole(rows);
    const char *c = text(config);
    HANDLE(TABLE, flip_table, R_NilValue, flip_table_create_with(s, n, c, &out, &err));
}

static SEXP r_table_read_csv(SEXP schema, SEXP path, SEXP config, SEXP report) {
    flip_schema *s = get(schema, SCHEMA);
    const char *p = text(path), *c = text(config);
    WATCHED_HANDLE(TABLE, flip_table, report, flip_table_read_csv(s, p, c, tell, &w, &out, &err));
}

/* from, to: a path each, and by choice the group of the dataframe in it. */
static SEXP r_table_convert(SEXP schema, SEXP from, SEXP to, SEXP config, SEXP report) {
    flip_schema *s = get(schema, SCHEMA);
    const char *a = text(from), *b = text(to), *c = text(config);
    const char *from_group = second_text(from), *to_group = second_text(to);
    WATCHED_TEXT(report, flip_table_convert_group(s, a, from_group, b, to_group, c, tell, &w, &out, &err));
}

static SEXP r_table_replaced(SEXP table) {
    flip_table *t = get(table, TABLE);
    TEXT(flip_table_replaced(t, &out, &err));
}

static SEXP r_table_write_csv(SEXP table, SEXP path, SEXP config) {
    NOTHING(flip_table_write_csv(get(table, TABLE), text(path), text(config), &err));
}
static SEXP r_table_read_hdf5(SEXP schema, SEXP path, SEXP group, SEXP config) {
    flip_schema *s = get(schema, SCHEMA);
    const char *p = text(path), *g = text(group), *c = text(config);
    HANDLE(TABLE, flip_table, R_NilValue, flip_table_read_hdf5_with(s, p, g, c, &out, &err));
}
static SEXP r_table_write_hdf5(SEXP table, SEXP path, SEXP group) {
    NOTHING(flip_table_write_hdf5(get(table, TABLE), text(path), text(group), &err));
}
/* A column must have the rows of its table before the library is shown its memory. */
static flip_table *table_of(SEXP table, SEXP x) {
    flip_table *t = get(table, TABLE);
    if (flip_table_rows(t) != (int64_t)XLENGTH(x)) Rf_error("a column of another length");
    return t;
}

/* A new table with at most max_rows rows of each person; persons: one number for each row, equal ones are one person.
 * */
static SEXP r_table_bound_persons(SEXP table, SEXP persons, SEXP max_rows) {
    flip_table *t = table_of(table, persons);
    R_xlen_t n = XLENGTH(persons), i;
    const int *d = INTEGER(persons);
    int64_t *codes = (int64_t *)R_alloc((size_t)n + 1, sizeof *codes), most = whole(max_rows);
    for (i = 0; i < n; i++) codes[i] = d[i];
    HANDLE(TABLE, flip_table, R_NilValue, flip_table_bound_persons(t, codes, most, &out, &err));
}

static SEXP r_table_rows(SEXP table) { return Rf_ScalarReal((double)flip_table_rows(get(table, TABLE))); }
static SEXP r_table_schema(SEXP table) {
    flip_table *t = get(table, TABLE);
    flip_schema *s = NULL;
    TEXT(schema_text(flip_table_schema(t, &s, &err), &s, &out, &err));
}

/* Arrow streams are external pointers to a struct ArrowArrayStream, of the class and with the ownership that package
 * nanoarrow gives its own; neither package needs the other for them. */
static void release_stream(SEXP holder) {
    struct ArrowArrayStream *stream = R_ExternalPtrAddr(holder);
    if (!stream) return;
    R_ClearExternalPtr(holder);
    if (stream->release) stream->release(stream);
    free(stream);
}

static SEXP r_table_import(SEXP schema, SEXP holder, SEXP config, SEXP report) {
    flip_schema *s = get(schema, SCHEMA);
    const char *c = text(config);
    if (TYPEOF(holder) != EXTPTRSXP ||
        !Rf_inherits(holder, "nanoarrow_array_stream")) Rf_error("not a nanoarrow_array_stream");
    WATCHED_HANDLE(TABLE, flip_table, report, flip_table_import(s, R_ExternalPtrAddr(holder), c, tell, &w, &out, &err));
}

static SEXP r_table_export(SEXP table) {
    flip_table *t = get(table, TABLE);
    SEXP holder = PROTECT(R_MakeExternalPtr(NULL, R_NilValue, R_NilValue));
    flip_error err;
    struct ArrowArrayStream *stream;
    R_RegisterCFinalizerEx(holder, release_stream, TRUE);
    Rf_setAttrib(holder, R_ClassSymbol, Rf_mkString("nanoarrow_array_stream"));
    stream = calloc(1, sizeof *stream);
    if (!stream) Rf_error("out of memory");
    R_SetExternalPtrAddr(holder, stream);
    if (flip_table_export(t, stream, &err)) holder = failure(&err);
    UNPROTECT(1);
    return holder;
}

static SEXP r_table_set_float64(SEXP table, SEXP field, SEXP x) { /* NA is a NaN */
    NOTHING(flip_table_set_float64(table_of(table, x), text(field), REAL(x), NULL, &err));
}

/* From integers, logicals, whole doubles or integer64 (`bits`: the doubles' bits are the numbers, as package bit64
 * keeps them). A double that is not whole, or beyond 64 bits, becomes an extreme number; the library refuses it by the
 * field's bounds, or R has before. */
static SEXP r_table_set_int64(SEXP table, SEXP field, SEXP x, SEXP bits) {
    flip_table *t = table_of(table, x);
    R_xlen_t n = XLENGTH(x), i;
    int64_t *whole = (int64_t *)R_alloc((size_t)n + 1, sizeof *whole);
    uint8_t *valid = (uint8_t *)R_alloc((size_t)n + 1, 1);
    if (TYPEOF(x) == REALSXP && Rf_asLogical(bits) == TRUE) {
        const double *d = REAL(x);
        if (n) memcpy(whole, d, (size_t)n * sizeof *whole);
        for (i = 0; i < n; i++) valid[i] = whole[i] != INT64_MIN;
    } else if (TYPEOF(x) == REALSXP) {
        const double *d = REAL(x);
        for (i = 0; i < n; i++) {
            valid[i] = !ISNAN(d[i]);
            whole[i] = !valid[i] ? 0 : d[i] >= 9.2e18 ? INT64_MAX : d[i] <= -9.2e18 ? INT64_MIN : (int64_t)d[i];
        }
    } else {
        const int *d = TYPEOF(x) == LGLSXP ? LOGICAL(x) : INTEGER(x);
        for (i = 0; i < n; i++) {
            valid[i] = d[i] != NA_INTEGER;
            whole[i] = valid[i] ? d[i] : 0;
        }
    }
    NOTHING(flip_table_set_int64(t, text(field), whole, valid, &err));
}

/* codes count from 1, as those of a factor; NA is missing. */
static SEXP r_table_set_codes(SEXP table, SEXP field, SEXP codes, SEXP levels) {
    flip_table *t = table_of(table, codes);
    R_xlen_t n = XLENGTH(codes), m = XLENGTH(levels), i;
    const int *d = INTEGER(codes);
    int32_t *c = (int32_t *)R_alloc((size_t)n + 1, sizeof *c);
    const char **l = (const char **)R_alloc((size_t)m + 1, sizeof *l);
    if (m > INT_MAX) Rf_error("too many levels");
    for (i = 0; i < m; i++) l[i] = Rf_translateCharUTF8(STRING_ELT(levels, i));
    for (i = 0; i < n; i++) c[i] = d[i] == NA_INTEGER ? -1 : d[i] - 1;
    NOTHING(flip_table_set_codes(t, text(field), c, l, (int32_t)m, &err));
}

static SEXP r_table_set_strings(SEXP table, SEXP field, SEXP codes, SEXP levels) {
    flip_table *t = table_of(table, codes);
    texts x = pack(codes, levels);
    NOTHING(flip_table_set_strings(t, text(field), x.bytes, x.offsets, x.valid, &err));
}

/* The texts of whole numbers that are kept as package bit64 keeps them, in the bits of doubles; the smallest one is NA.
 * */
static SEXP r_int64_text(SEXP x) {
    R_xlen_t n = XLENGTH(x), i;
    SEXP out = PROTECT(Rf_allocVector(STRSXP, n));
    const double *d = REAL(x);
    for (i = 0; i < n; i++) {
        int64_t whole;
        char digits[24];
        memcpy(&whole, d + i, sizeof whole);
        snprintf(digits, sizeof digits, "%lld", (long long)whole);
        SET_STRING_ELT(out, i, whole == INT64_MIN ? NA_STRING : Rf_mkChar(digits));
    }
    UNPROTECT(1);
    return out;
}

/* The bits of the whole numbers that texts spell; NA, and what is none of 64 bits, is the smallest one. */
static SEXP r_int64_of(SEXP texts) {
    R_xlen_t n = XLENGTH(texts), i;
    SEXP out = PROTECT(Rf_allocVector(REALSXP, n));
    for (i = 0; i < n; i++) {
        const char *digits = CHAR(STRING_ELT(texts, i));
        char *end = NULL;
        int64_t whole = INT64_MIN;
        if (STRING_ELT(texts, i) != NA_STRING) {
            errno = 0;
            whole = strtoll(digits, &end, 10);
            if (errno || end == digits || *end) whole = INT64_MIN;
        }
        memcpy(REAL(out) + i, &whole, sizeof whole);
    }
    UNPROTECT(1);
    return out;
}

static SEXP r_table_get_float64(SEXP table, SEXP field) {
    flip_table *t = get(table, TABLE);
    int64_t n = flip_table_rows(t), i;
    SEXP x = PROTECT(Rf_allocVector(REALSXP, (R_xlen_t)n));
    flip_error err;
    flip_status status = flip_table_get_float64(t, text(field), 0, n, REAL(x), NULL, &err);
    for (i = 0; i < n; i++) if (ISNAN(REAL(x)[i])) REAL(x)[i] = NA_REAL;
    if (status) x = failure(&err);
    UNPROTECT(1);
    return x;
}

/* Whole microseconds as seconds, correctly rounded where a double holds the microseconds. */
static double seconds_of(int64_t micros) {
    if (llabs(micros) <= WHOLE_DOUBLE) return (double)micros / 1e6;
    return (double)(micros / 1000000) + (double)(micros % 1000000) / 1e6;
}

/* type: "integer" or "logical" where all values fit (R checks the bounds), "double" where all are exact, "moment" for
 * microseconds as seconds, "integer64" for the bits of the whole numbers in doubles, as package bit64 keeps them. */
static SEXP r_table_get_int64(SEXP table, SEXP field, SEXP type) {
    flip_table *t = get(table, TABLE);
    int64_t n = flip_table_rows(t), i;
    const char *asked = text(type);
    SEXPTYPE made = !strcmp(asked, "integer") ? INTSXP : !strcmp(asked, "logical") ? LGLSXP : REALSXP;
    SEXP x = PROTECT(Rf_allocVector(made, (R_xlen_t)n));
    int64_t *whole = (int64_t *)R_alloc((size_t)n + 1, sizeof *whole);
    flip_error err;
    if (flip_table_get_int64(t, text(field), 0, n, whole, NULL, &err)) x = failure(&err);
    else if (!strcmp(asked, "integer64")) { if (n) memcpy(REAL(x), whole, (size_t)n * sizeof *whole); }
    else if (!strcmp(asked,
        "moment")) for (i = 0; i < n; i++) REAL(x)[i] = whole[i] == INT64_MIN ? NA_REAL : seconds_of(whole[i]);
    else if (made == REALSXP) for (i = 0; i < n; i++) REAL(x)[i] = whole[i] == INT64_MIN ? NA_REAL : (double)whole[i];
    else {
        int *d = made == INTSXP ? INTEGER(x) : LOGICAL(x);
        for (i = 0; i < n; i++) d[i] = whole[i] == INT64_MIN ? NA_INTEGER : (int)whole[i];
    }
    UNPROTECT(1);
    return x;
}

static SEXP r_table_get_codes(SEXP table, SEXP field) {
    flip_table *t = get(table, TABLE);
    int64_t n = flip_table_rows(t), i;
    SEXP x = PROTECT(Rf_allocVector(INTSXP, (R_xlen_t)n));
    flip_error err;
    flip_status status = flip_table_get_codes(t, text(field), 0, n, INTEGER(x), &err);
    if (status) x = failure(&err);
    else for (i = 0; i < n; i++) INTEGER(x)[i] = INTEGER(x)[i] < 0 ? NA_INTEGER : INTEGER(x)[i] + 1;
    UNPROTECT(1);
    return x;
}

/* The place of the reason why each value is missing, from 1; NA where there is a value or no reason. */
static SEXP r_table_get_reasons(SEXP table, SEXP field) {
    flip_table *t = get(table, TABLE);
    int64_t n = flip_table_rows(t), i;
    SEXP x = PROTECT(Rf_allocVector(INTSXP, (R_xlen_t)n));
    flip_error err;
    flip_status status = flip_table_get_reasons(t, text(field), 0, n, INTEGER(x), &err);
    if (status) x = failure(&err);
    else for (i = 0; i < n; i++) INTEGER(x)[i] = INTEGER(x)[i] < 0 ? NA_INTEGER : INTEGER(x)[i] + 1;
    UNPROTECT(1);
    return x;
}

/* -- plan ---------------------------------------------------------------------------------------------------------- */

static SEXP r_plan_create(SEXP schema, SEXP config, SEXP into) {
    flip_schema *s = get(schema, SCHEMA);
    const char *c = text(config);
    HANDLE(PLAN, flip_plan, into, flip_plan_create(s, c, &out, &err));
}
static SEXP r_plan_create_under(SEXP schema, SEXP budget, SEXP config, SEXP into) {
    flip_schema *s = get(schema, SCHEMA);
    flip_budget *b = get(budget, BUDGET);
    const char *c = text(config);
    HANDLE(PLAN, flip_plan, into, flip_plan_create_under(s, b, c, &out, &err));
}
static SEXP r_plan_explain(SEXP plan) { flip_plan *p = get(plan, PLAN); TEXT(flip_plan_explain(p, &out, &err)); }
static SEXP r_plan_explanation(SEXP plan) { flip_plan *p = get(plan,
    PLAN); TEXT(flip_plan_explanation(p, &out, &err)); }
static SEXP r_plan_json(SEXP plan) { flip_plan *p = get(plan, PLAN); TEXT(flip_plan_json(p, &out, &err)); }
static SEXP r_plan_epsilon(SEXP plan, SEXP accountant, SEXP delta) {
    double epsilon;
    flip_error err;
    return flip_plan_epsilon(get(plan, PLAN), text(accountant), Rf_asReal(delta), &epsilon,
        &err) ? failure(&err) : Rf_ScalarReal(epsilon);
}
static SEXP r_plan_memory(SEXP plan, SEXP rows) {
    int64_t bytes;
    flip_error err;
    return flip_plan_memory(get(plan, PLAN), whole(rows), &bytes, &err) ? failure(&err) : Rf_ScalarReal((double)bytes);
}

/* -- budget -------------------------------------------------------------------------------------------------------- */

static SEXP r_budget_create(SEXP path, SEXP config) {
    const char *p = text(path), *c = text(config);
    HANDLE(BUDGET, flip_budget, R_NilValue, flip_budget_create(p, c, &out, &err));
}
static SEXP r_budget_open(SEXP path, SEXP into) {
    const char *p = text(path);
    HANDLE(BUDGET, flip_budget, into, flip_budget_open(p, &out, &err));
}
static SEXP r_budget_report(SEXP budget) { flip_budget *b = get(budget,
    BUDGET); TEXT(flip_budget_report(b, &out, &err)); }
static SEXP r_budget_charge(SEXP budget, SEXP name, SEXP event) {
    NOTHING(flip_budget_charge(get(budget, BUDGET), text(name), text(event), &err));
}
static SEXP r_budget_settle(SEXP budget,
    SEXP run) { NOTHING(flip_budget_settle(get(budget, BUDGET), text(run), &err)); }

/* -- training ------------------------------------------------------------------------------------------------------ */

static SEXP r_trainer_create(SEXP plan, SEXP table) {
    flip_plan *p = get(plan, PLAN);
    flip_table *t = get(table, TABLE);
    HANDLE(TRAINER, flip_trainer, R_NilValue, flip_trainer_create(p, t, &out, &err));
}

/* One slice; the interrupt is looked for before it, while nothing of the library runs. */
static SEXP r_trainer_step(SEXP trainer, SEXP seconds) {
    flip_trainer *t = get(trainer, TRAINER);
    flip_progress progress = {.size = sizeof progress};
    flip_error err;
    R_CheckUserInterrupt();
    return flip_trainer_step(t, 0, Rf_asReal(seconds), &progress, &err) ? failure(&err) : progress_list(&progress);
}
static SEXP r_trainer_checkpoint(SEXP trainer, SEXP path) {
    NOTHING(flip_trainer_checkpoint(get(trainer, TRAINER), text(path), &err));
}
static SEXP r_trainer_resume(SEXP path, SEXP table, SEXP budget) { /* budget: NULL, or the one it was begun under */
    flip_table *t = get(table, TABLE);
    flip_budget *b = get(budget, BUDGET);
    const char *p = text(path);
    HANDLE(TRAINER, flip_trainer, R_NilValue,
           budget == R_NilValue ? flip_trainer_resume(p, t, &out, &err) : flip_trainer_resume_under(p, t, b, &out,
               &err));
}
static flip_status plan_text(flip_status status, flip_plan **plan, flip_buffer **out, flip_error *err) {
    if (!status) status = flip_plan_json(*plan, out, err);
    flip_plan_free(*plan);
    return status;
}
static SEXP r_trainer_plan(SEXP trainer) {
    flip_trainer *t = get(trainer, TRAINER);
    flip_plan *p = NULL;
    TEXT(plan_text(flip_trainer_plan(t, &p, &err), &p, &out, &err));
}
static SEXP r_trainer_ledger(SEXP trainer) { flip_trainer *t = get(trainer,
    TRAINER); TEXT(flip_trainer_ledger(t, &out, &err)); }
static SEXP r_trainer_finish(SEXP trainer) {
    flip_trainer *t = get(trainer, TRAINER);
    HANDLE(MODEL, flip_model, R_NilValue, flip_trainer_finish(t, &out, &err));
}

/* -- model --------------------------------------------------------------------------------------------------------- */

static SEXP r_model_save(SEXP model, SEXP path) { NOTHING(flip_model_save(get(model, MODEL), text(path), &err)); }
static SEXP r_model_load(SEXP path) {
    const char *p = text(path);
    HANDLE(MODEL, flip_model, R_NilValue, flip_model_load(p, &out, &err));
}
static SEXP r_model_to_bytes(SEXP model) { flip_model *m = get(model, MODEL); FROM_BUFFER(bytes_of,
    flip_model_to_bytes(m, &out, &err)); }
static SEXP r_model_from_bytes(SEXP bytes, SEXP into) {
    if (TYPEOF(bytes) != RAWSXP) Rf_error("not raw bytes");
    HANDLE(MODEL, flip_model, into, flip_model_from_bytes(RAW(bytes), (size_t)XLENGTH(bytes), &out, &err));
}
static SEXP r_model_json(SEXP model) { flip_model *m = get(model, MODEL); TEXT(flip_model_json(m, &out, &err)); }
static SEXP r_model_ledger(SEXP model) { flip_model *m = get(model, MODEL); TEXT(flip_model_ledger(m, &out, &err)); }
static SEXP r_model_schema(SEXP model) {
    flip_model *m = get(model, MODEL);
    flip_schema *s = NULL;
    TEXT(schema_text(flip_model_schema(m, &s, &err), &s, &out, &err));
}

static SEXP r_model_sample(SEXP model, SEXP first, SEXP count, SEXP config, SEXP report) {
    flip_model *m = get(model, MODEL);
    int64_t a = whole(first), n = whole(count);
    const char *c = text(config);
    WATCHED_HANDLE(TABLE, flip_table, report, flip_model_sample(m, a, n, c, tell, &w, &out, &err));
}

static SEXP r_model_complete(SEXP model, SEXP half, SEXP config, SEXP report) {
    flip_model *m = get(model, MODEL);
    flip_table *h = get(half, TABLE);
    const char *c = text(config);
    WATCHED_HANDLE(TABLE, flip_table, report, flip_model_complete(m, h, c, tell, &w, &out, &err));
}

static SEXP r_model_estimate(SEXP model, SEXP config) {
    flip_model *m = get(model, MODEL);
    const char *c = text(config);
    TEXT(flip_model_estimate(m, c, &out, &err));
}
static SEXP r_model_replicate(SEXP model, SEXP replicate, SEXP count, SEXP config, SEXP report) {
    flip_model *m = get(model, MODEL);
    int64_t r = whole(replicate), n = whole(count);
    const char *c = text(config);
    WATCHED_HANDLE(TABLE, flip_table, report, flip_model_replicate(m, r, n, c, tell, &w, &out, &err));
}
static SEXP r_model_refit(SEXP model, SEXP config, SEXP report) {
    flip_model *m = get(model, MODEL);
    const char *c = text(config);
    WATCHED_HANDLE(MODEL, flip_model, report, flip_model_refit(m, c, tell, &w, &out, &err));
}
static SEXP r_model_frontier(SEXP model, SEXP config) {
    flip_model *m = get(model, MODEL);
    const char *c = text(config);
    TEXT(flip_model_frontier(m, c, &out, &err));
}
static SEXP r_model_report(SEXP model, SEXP config) {
    flip_model *m = get(model, MODEL);
    const char *c = text(config);
    TEXT(flip_model_report(m, c, &out, &err));
}
static SEXP r_report_page(SEXP record) {
    const char *r = text(record);
    TEXT(flip_report_page(r, r == NULL ? 0 : strlen(r), &out, &err));
}

/* -- evaluation and accounting ------------------------------------------------------------------------------------- */

static SEXP r_evaluate(SEXP real, SEXP synthetic, SEXP holdout, SEXP config) {
    flip_table *a = get(real, TABLE), *b = get(synthetic, TABLE), *h = get(holdout, TABLE);
    const char *c = text(config);
    TEXT(flip_evaluate(a, b, h, c, &out, &err));
}

/* Adds one line of R's list of releases. */
static flip_status compose(flip_accountant *a, const char *mechanism, double value, double rate, int64_t sensitivity,
    int64_t count, flip_error *err) {
    if (!strcmp(mechanism, "gaussian")) return flip_accountant_compose_gaussian(a, rate, value, count, err);
    if (!strcmp(mechanism, "laplace")) return flip_accountant_compose_laplace(a, value, count, err);
    if (!strcmp(mechanism, "discrete_gaussian")) return flip_accountant_compose_discrete_gaussian(a, value, sensitivity,
        count, err);
    if (!strcmp(mechanism, "pure")) return flip_accountant_compose_pure(a, value, count, err);
    if (!strcmp(mechanism, "zcdp")) return flip_accountant_compose_zcdp(a, value, count, err);
    return flip_accountant_compose_selection(a, value, count, err);
}

/* What the releases cost: epsilon at the delta `at`, or delta at the epsilon `at`. The accountant lives for this call
 * only, so that R's has the value semantics of everything in R. model: NULL, or whose ledger comes first, as a row of
 * `group` meets it; rows: of one person. */
static SEXP r_account(SEXP kind_name, SEXP rows, SEXP model, SEXP group, SEXP mechanisms, SEXP values, SEXP rates,
    SEXP sensitivities, SEXP counts,
                      SEXP ask, SEXP at) {
    const char *k = text(kind_name), *g = text(group), *what = text(ask);
    flip_model *m = get(model, MODEL);
    R_xlen_t n = XLENGTH(mechanisms), i;
    double x = Rf_asReal(at), out = 0;
    flip_accountant *a = NULL;
    flip_error err;
    flip_status status;
    int64_t persons = whole(rows);
    if (XLENGTH(values) != n || XLENGTH(rates) != n || XLENGTH(sensitivities) != n ||
        XLENGTH(counts) != n) Rf_error("columns of different lengths");
    status = model == R_NilValue ? flip_accountant_create(k, &a, &err) : flip_accountant_of_model(m, k, g, &a, &err);
    if (!status && persons != 1) status = flip_accountant_set_rows(a, persons, &err);
    for (i = 0; !status && i < n; i++)
        status = compose(a, CHAR(STRING_ELT(mechanisms, i)), REAL(values)[i], REAL(rates)[i],
            (int64_t)REAL(sensitivities)[i], (int64_t)REAL(counts)[i], &err);
    if (!status) status = !strcmp(what, "delta") ? flip_accountant_delta(a, x, &out, &err) : flip_accountant_epsilon(a,
        x, &out, &err);
    flip_accountant_free(a);
    return status ? failure(&err) : Rf_ScalarReal(out);
}

static SEXP r_calibrate(SEXP kind_name, SEXP events, SEXP epsilon, SEXP delta) {
    double scale;
    flip_error err;
    return flip_calibrate(text(kind_name), text(events), Rf_asReal(epsilon), Rf_asReal(delta), &scale,
        &err) ? failure(&err) : Rf_ScalarReal(scale);
}

/* -- registration -------------------------------------------------------------------------------------------------- */

#define ENTRY(name, arguments) {#name, (DL_FUNC)&name, arguments}
static const R_CallMethodDef routines[] = {
    ENTRY(r_alive, 1), ENTRY(r_free, 1), ENTRY(r_version, 0), ENTRY(r_build_info, 0), ENTRY(r_config_schema,
        1), ENTRY(r_file_check, 1),
    ENTRY(r_status_name, 1), ENTRY(r_schema_parse, 2), ENTRY(r_schema_json, 1), ENTRY(r_schema_infer_csv, 3),
    ENTRY(r_schema_infer_hdf5, 3), ENTRY(r_schema_infer_strings, 4), ENTRY(r_schema_check_csv,
        4), ENTRY(r_schema_check_hdf5, 4), ENTRY(r_schema_check_strings, 4), ENTRY(r_table_replaced, 1),
    ENTRY(r_table_get_reasons, 2),
    ENTRY(r_table_create, 3), ENTRY(r_table_read_csv, 4),
    ENTRY(r_table_convert, 5), ENTRY(r_table_write_csv, 3), ENTRY(r_table_read_hdf5, 4), ENTRY(r_table_write_hdf5, 3),
    ENTRY(r_table_import, 4), ENTRY(r_table_export, 1),
    ENTRY(r_table_rows, 1), ENTRY(r_table_schema, 1), ENTRY(r_table_set_float64, 3), ENTRY(r_table_set_int64, 4),
    ENTRY(r_table_set_codes, 4), ENTRY(r_table_set_strings, 4), ENTRY(r_table_get_float64, 2), ENTRY(r_table_get_int64,
        3),
    ENTRY(r_table_get_codes, 2), ENTRY(r_table_bound_persons, 3), ENTRY(r_int64_text, 1), ENTRY(r_int64_of,
        1), ENTRY(r_plan_create,
        3), ENTRY(r_plan_create_under, 4), ENTRY(r_budget_create, 2),
    ENTRY(r_budget_open, 2), ENTRY(r_budget_report, 1), ENTRY(r_budget_charge, 3), ENTRY(r_budget_settle,
        2), ENTRY(r_plan_explain, 1), ENTRY(r_plan_explanation, 1), ENTRY(r_plan_json, 1),
    ENTRY(r_plan_epsilon, 3), ENTRY(r_plan_memory, 2), ENTRY(r_trainer_create, 2), ENTRY(r_trainer_step, 2),
    ENTRY(r_trainer_checkpoint, 2), ENTRY(r_trainer_resume, 3), ENTRY(r_trainer_plan, 1), ENTRY(r_trainer_ledger, 1),
    ENTRY(r_trainer_finish, 1), ENTRY(r_model_save, 2), ENTRY(r_model_load, 1), ENTRY(r_model_to_bytes,
        1), ENTRY(r_model_from_bytes, 2),
    ENTRY(r_model_json, 1), ENTRY(r_model_ledger, 1), ENTRY(r_model_schema, 1), ENTRY(r_model_sample,
        5), ENTRY(r_model_complete, 4), ENTRY(r_evaluate, 4),
    ENTRY(r_model_estimate, 2), ENTRY(r_model_replicate, 5), ENTRY(r_model_refit, 3),
    ENTRY(r_model_frontier, 2), ENTRY(r_model_report, 2), ENTRY(r_report_page, 1),
    ENTRY(r_account, 11), ENTRY(r_calibrate, 4), {NULL, NULL, 0}};

void R_init_libflip(DllInfo *dll) {
    R_registerRoutines(dll, NULL, routines, NULL, NULL);
    R_useDynamicSymbols(dll, FALSE);
    R_forceSymbols(dll, FALSE);
}
