/* glue.h - what every function of libflip.c stands on: handles, texts, callbacks. Included there and nowhere else.
 *
 * Handles    An external pointer whose tag names its kind and whose protected value is the process it was made in. It
 *            exists, with its finaliser, before the library fills it, so that no failure of R's memory in between
 *            loses a handle. A dead one (read back from a file, or made before a fork) is filled again in place: every
 *            copy of an R object shares the pointer.
 * Jumps      R leaves C functions by long jumps, and none may cross a frame of the library. R is called before and
 *            after a call of the library. Inside one it is called in callbacks alone: a jump from there (an error, an
 *            interrupt, a time limit) is caught at the callback's edge, the library is asked to stop, and the jump
 *            goes on after the library has returned (R_ContinueUnwind).
 * Errors     A status that is not FLIP_OK comes back as an object of class "flip_failure", which check() in
 *            R/conditions.R raises. */
#ifndef FLIP_R_GLUE_H
#define FLIP_R_GLUE_H

#include <flip.h>
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <string.h>
#include <unistd.h>

#include <R.h>
#include <Rinternals.h>
#include <R_ext/Utils.h>

/* -- handles ------------------------------------------------------------------------------------------------------- */

typedef enum { SCHEMA, TABLE, PLAN, TRAINER, MODEL, BUDGET, BUFFER, KINDS } kind;
static const char *const kind_names[KINDS] = {"flip_schema", "flip_table", "flip_plan", "flip_trainer", "flip_model",
    "flip_budget", "flip_buffer"};

static void release(SEXP slot) {
    void *x = R_ExternalPtrAddr(slot);
    const char *name = CHAR(PRINTNAME(R_ExternalPtrTag(slot)));
    int k = 0;
    if (!x) return;
    R_ClearExternalPtr(slot);
    while (k < KINDS && strcmp(name, kind_names[k])) k++;
    switch (k) {
        case SCHEMA: flip_schema_free(x); break;
        case TABLE: flip_table_free(x); break;
        case PLAN: flip_plan_free(x); break;
        case TRAINER: flip_trainer_free(x); break;
        case MODEL: flip_model_free(x); break;
        case BUDGET: flip_budget_free(x); break;
        case BUFFER: flip_buffer_free(x); break;
    }
}

static void must_be(SEXP slot, kind k) {
    if (TYPEOF(slot) != EXTPTRSXP || R_ExternalPtrTag(slot) != Rf_install(kind_names[k])) Rf_error("not a %s",
        kind_names[k]);
}

/* An empty pointer with its finaliser: `into`, or a new one for NULL. */
static SEXP slot_for(kind k, SEXP into) {
    SEXP slot = into;
    if (into == R_NilValue) {
        SEXP process = PROTECT(Rf_allocVector(INTSXP, 1));
        INTEGER(process)[0] = 0;
        slot = R_MakeExternalPtr(NULL, Rf_install(kind_names[k]), process);
        UNPROTECT(1);
    } else must_be(into, k);
    PROTECT(slot);
    R_RegisterCFinalizerEx(slot, release, TRUE);
    UNPROTECT(1);
    return slot;
}

static SEXP fill(SEXP slot, void *x) {
    R_SetExternalPtrAddr(slot, x);
    INTEGER(R_ExternalPtrProtected(slot))[0] = (int)getpid();
    return slot;
}

/* What a pointer holds; NULL when it is dead, or for NULL, and the library says what it thinks of that. */
static void *get(SEXP slot, kind k) {
    if (slot == R_NilValue) return NULL;
    must_be(slot, k);
    return R_ExternalPtrAddr(slot);
}

/* -- what goes in and what comes back ------------------------------------------------------------------------------ */

static SEXP failure(const flip_error *err) {
    SEXP out = PROTECT(Rf_allocVector(VECSXP, 2));
    SET_VECTOR_ELT(out, 0, Rf_ScalarInteger(err->code));
    SET_VECTOR_ELT(out, 1, Rf_ScalarString(Rf_mkCharCE(err->message, CE_UTF8)));
    Rf_setAttrib(out, R_ClassSymbol, Rf_mkString("flip_failure"));
    UNPROTECT(1);
    return out;
}

/* The first text of a character vector as UTF-8, valid until .Call returns; NULL for NULL. */
static const char *text(SEXP x) {
    if (x == R_NilValue) return NULL;
    if (TYPEOF(x) != STRSXP || XLENGTH(x) < 1 || STRING_ELT(x, 0) == NA_STRING) Rf_error("must be text");
    return Rf_translateCharUTF8(STRING_ELT(x, 0));
}

/* The second text of a character vector, NULL where there is none. */
static const char *second_text(SEXP x) {
    if (TYPEOF(x) != STRSXP || XLENGTH(x) < 2 || STRING_ELT(x, 1) == NA_STRING) return NULL;
    return Rf_translateCharUTF8(STRING_ELT(x, 1));
}

#define WHOLE_DOUBLE 9007199254740992 /* 2^53: up to here a double holds every whole number */

/* A whole number that a double holds exactly. */
static int64_t whole(SEXP x) {
    double d = Rf_asReal(x);
    if (!(fabs(d) <= (double)WHOLE_DOUBLE) || d != floor(d)) Rf_error("must be a whole number");
    return (int64_t)d;
}

static SEXP text_of(SEXP slot) {
    flip_buffer *b = R_ExternalPtrAddr(slot);
    size_t size = flip_buffer_size(b);
    if (size > INT_MAX) Rf_error("text of more than 2 GB");
    return Rf_ScalarString(Rf_mkCharLenCE(flip_buffer_data(b), (int)size, CE_UTF8));
}

static SEXP bytes_of(SEXP slot) {
    flip_buffer *b = R_ExternalPtrAddr(slot);
    size_t size = flip_buffer_size(b);
    SEXP out = Rf_allocVector(RAWSXP, (R_xlen_t)size);
    if (size) memcpy(RAW(out), flip_buffer_data(b), size);
    return out;
}

/* Texts as the library takes them: row i is levels[codes[i]], codes count from 1, NA is missing. Lives until .Call
 * returns. */
typedef struct texts {
    char *bytes;
    int64_t *offsets, count;
    uint8_t *valid;
} texts;

static texts pack(SEXP codes, SEXP levels) {
    R_xlen_t n = XLENGTH(codes), m = XLENGTH(levels), i;
    const int *d = INTEGER(codes);
    const char **l = (const char **)R_alloc((size_t)m + 1, sizeof *l);
    size_t *length = (size_t *)R_alloc((size_t)m + 1, sizeof *length);
    texts x = {.count = (int64_t)n};
    x.offsets = (int64_t *)R_alloc((size_t)n + 1, sizeof *x.offsets);
    x.valid = (uint8_t *)R_alloc((size_t)n + 1, 1);
    for (i = 0; i < m; i++) {
        l[i] = Rf_translateCharUTF8(STRING_ELT(levels, i));
        length[i] = strlen(l[i]);
    }
    x.offsets[0] = 0;
    for (i = 0; i < n; i++) {
        x.valid[i] = d[i] != NA_INTEGER;
        if (x.valid[i] && (d[i] < 1 || d[i] > m)) Rf_error("a code without a level");
        /* below 2^31 texts of below 2^31 bytes */
        x.offsets[i + 1] = x.offsets[i] + (x.valid[i] ? (int64_t)length[d[i] - 1] : 0);
    }
    x.bytes = R_alloc((size_t)x.offsets[n] + 1, 1);
    for (i = 0; i < n; i++) if (x.valid[i]) memcpy(x.bytes + x.offsets[i], l[d[i] - 1], length[d[i] - 1]);
    return x;
}

/* The body of a function that gives nothing, a handle or a buffer; `call` uses &err, and &out for the latter two. */
#define NOTHING(call)                                 \
    flip_error err;                                   \
    return (call) ? failure(&err) : R_NilValue

#define HANDLE(k, type, into, call)                   \
    SEXP slot = PROTECT(slot_for(k, into));           \
    type *out = NULL;                                 \
    flip_error err;                                   \
    SEXP value = (call) ? failure(&err) : fill(slot, out); \
    UNPROTECT(1);                                     \
    return value

#define FROM_BUFFER(convert, call)                    \
    SEXP slot = PROTECT(slot_for(BUFFER, R_NilValue)); \
    flip_buffer *out = NULL;                          \
    flip_error err;                                   \
    SEXP value = PROTECT((call) ? failure(&err) : convert(fill(slot, out))); \
    release(slot);                                    \
    UNPROTECT(2);                                     \
    return value

#define TEXT(call) FROM_BUFFER(text_of, call)

static SEXP progress_list(const flip_progress *p) {
    const char *names[] = {"stage", "stage_name", "step", "total", "epsilon", "seconds", "done", ""};
    SEXP out = PROTECT(Rf_mkNamed(VECSXP, names));
    SET_VECTOR_ELT(out, 0, Rf_ScalarInteger((int)p->stage + 1));
    SET_VECTOR_ELT(out, 1, Rf_ScalarString(Rf_mkCharCE(p->stage_name, CE_UTF8)));
    SET_VECTOR_ELT(out, 2, Rf_ScalarReal((double)p->step));
    SET_VECTOR_ELT(out, 3, Rf_ScalarReal((double)p->total));
    SET_VECTOR_ELT(out, 4, Rf_ScalarReal(p->epsilon));
    SET_VECTOR_ELT(out, 5, Rf_ScalarReal(p->seconds));
    SET_VECTOR_ELT(out, 6, Rf_ScalarLogical(p->step >= p->total));
    UNPROTECT(1);
    return out;
}

/* -- callbacks ----------------------------------------------------------------------------------------------------- */

typedef struct watch {
    SEXP report, token;            /* an R function or NULL; where a jump is kept */
    const flip_progress *progress; /* of the event being told */
    int jumped;
    jmp_buf edge;
} watch;

static SEXP look(void *user) {
    watch *w = user;
    R_CheckUserInterrupt();
    if (w->report != R_NilValue) {
        SEXP p = PROTECT(progress_list(w->progress));
        SEXP call = PROTECT(Rf_lang2(w->report, p));
        Rf_eval(call, R_GlobalEnv);
        UNPROTECT(2);
    }
    return R_NilValue;
}

static void leave(void *user, Rboolean jump) {
    if (jump) longjmp(((watch *)user)->edge, 1); /* only over frames of R, back into `tell` */
}

static int32_t tell(void *user, const flip_event *event) {
    watch *w = user;
    if (event->kind != FLIP_EVENT_PROGRESS || !event->progress) return 0;
    w->progress = event->progress;
    if (setjmp(w->edge)) {
        w->jumped = 1;
        return 1;
    }
    R_UnwindProtect(look, w, leave, w, w->token);
    return 0;
}

#define WATCH(function) \
    watch w = {.report = (function), .token = PROTECT(R_MakeUnwindCont()), .progress = NULL, .jumped = 0}

/* After the call, when nothing of the library is on the stack any more. */
#define GO_ON do { if (w.jumped) R_ContinueUnwind(w.token); UNPROTECT(1); } while (0)

/* What the body of a watched function begins with: the call, whose result is in `slot`. */
#define WATCHED(k, type, report, call)                \
    SEXP slot = PROTECT(slot_for(k, R_NilValue)), value; \
    type *out = NULL;                                 \
    flip_error err;                                   \
    flip_status status;                               \
    WATCH(report);                                    \
    status = (call);                                  \
    fill(slot, out);                                  \
    GO_ON

/* The body of a function that gives a handle and tells how far it is. */
#define WATCHED_HANDLE(k, type, report, call)         \
    WATCHED(k, type, report, call);                   \
    value = status ? failure(&err) : slot;            \
    UNPROTECT(1);                                     \
    return value

/* The body of a function that gives text and tells how far it is. */
#define WATCHED_TEXT(report, call)                    \
    WATCHED(BUFFER, flip_buffer, report, call);       \
    value = PROTECT(status ? failure(&err) : text_of(slot)); \
    release(slot);                                    \
    UNPROTECT(2);                                     \
    return value

#endif
