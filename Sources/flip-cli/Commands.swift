// Which command is meant. Each one is a function in a file of its own.

import Basics

func run(_ words: [String]) throws {
    guard let command = words.first else {
        say(help)
        return
    }
    let rest = Array(words.dropFirst())
    if rest.contains("--help") || rest.contains("-h"), let own = help(of: command) { return say(own) }
    switch command {
    case "train": try train(rest)
    case "sample": try sample(rest)
    case "complete": try completeCommand(rest)
    case "ledger": try ledger(rest)
    case "report": try report(rest)
    case "estimate": try estimate(rest)
    case "refit": try refit(rest)
    case "frontier": try frontier(rest)
    case "evaluate": try evaluate(rest)
    case "convert": try convert(rest)
    case "schema": try schemaCommand(rest)
    case "plan": try plan(rest)
    case "budget": try budget(rest)
    case "domain": try domain(rest)
    case "check": try check(rest)
    case "--version", "version": say("flip \(libraryVersion)")
    case "--help", "-h", "help": say(help)
    default: throw Usage("flip \(command): there is no such command")
    }
}

/// What the help says of one command, and of what all commands take; nil for a command that there is not.
private func help(of command: String) -> String? {
    let lines = help.split(separator: "\n", omittingEmptySubsequences: false)
    guard let end = lines.firstIndex(where: { $0.hasPrefix("flip --version") }) else { return nil }
    var own: [Substring] = [], isOwn = false
    for line in lines[..<end] {
        if line.hasPrefix("flip ") { isOwn = line.hasPrefix("flip \(command) ") }
        if isOwn { own.append(line) }
    }
    return own.isEmpty ? nil : (own + lines[(end + 1)...]).joined(separator: "\n")
}

private let help = """
    flip: private generators for tables

    flip schema TABLE [--out S.json]
         a schema read off the rows, for you to edit; it is marked as assumed public
         [--skip COLUMN]...  [--levels N]  [--delimiter C]  [--group GROUP]
         [--no-rules]             no rules between columns that hold in every row are proposed
    flip train TABLE --schema S.json --epsilon E --delta D --out MODEL
         learns a table under a privacy budget; TABLE may be a folder of CSV files larger than memory
         (Parquet: `python -m flip train`)
         [--protected COLUMN]...  [--preset best | published]  [--config JSON or FILE]
         [--checkpoint FILE [--resume]]  [--group GROUP]
    flip sample MODEL --rows N --out TABLE  [--seed K] [--first K] [--threads N]
         makes rows; costs nothing
         [--where JSON or FILE]   only such rows: {"sex": "Female", "ward": ["a", null], "age": {"minimum": 30}}
                                  or several: [{"where": {...}, "rows": 500}, ...]
    flip refit MODEL --out MODEL  [--config JSON or FILE] [--strength S | --reduce SHARE]
         [--protected COLUMNS]
         another generator from the releases of a model: no rows, no cost
    flip frontier MODEL --out CURVE.csv  [--strengths 0,0.5,1,2] [--picture CURVE.svg] [--json]
         [--protected COLUMNS]
         what strengths of fairness cost and gain, by what was released: may be published
    flip complete MODEL HALF --out TABLE  [--seed K] [--threads N] [--group GROUP]
         half rows made whole: missing cells and columns are drawn, given ones stay
    flip ledger MODEL [--json]
         what the training released and what that cost
    flip report MODEL --out PAGE.html  [--title T] [--rows N] [--json]
         what may be published: a page made from the model file alone
    flip estimate MODEL mean | share | quantile | cells | linear | logistic COLUMN [--json]
         figures with intervals that hold sampling error and noise; costs nothing
         [--by COLUMN] [--contrast difference | ratio] [--reference GROUP] [--level L] [--quantile Q]
         [--with COLUMN] [--predictors A,B] [--confidence P]
    flip evaluate REAL SYNTHETIC --schema S.json [--protected A,B] [--target T] [--test HOLDOUT] [--json]
         NOT PRIVATE: how good, how fair
         [--html PAGE.html]       as a page; SYNTHETIC may be several tables, with commas between them
         [--positive LEVEL]  [--admissible COLUMNS]  [--edges COLUMN=1,2,3]...  [--threads N]  [--group GROUP]
    flip plan --schema S.json --epsilon E --delta D [...]
         the costs in advance, without any data (JSON)
         [--explain]              as text: what each stage costs and gives
    flip budget FILE [--json] [--settle RUN]
         what trainings that share it have spent; --settle ends a run that was killed
         --create --epsilon E --delta D   [--order A] [--selection-delta D] [--max-rows-per-person K]
                                  [--filter renyi | gaussian]
                                  makes it; train, plan: --budget FILE, then --share S may stand for --epsilon
    flip domain TABLE.csv --schema SKETCH.json --budget FILE --share S --out S.json
         estimates the bounds and levels that the sketch leaves open, under the budget
         [--epsilon E instead of --share]  [--selection-delta D]  [--other LEVEL]
    flip convert FROM TO [--schema S.json]  [--group GROUP]  [--to-group GROUP]
         CSV to HDF5 and back; --to-group names the group in an HDF5 file TO, /data without it
    flip check TABLE --schema S.json [--json]  [--group GROUP]
         all that a table breaks of a schema, by column; exit code 1 if it breaks any
    flip check FILE
         what a file is, and whether it can be trusted to be whole (JSON)
    flip --version

    Presets: best, the default, releases noisy marginals once and trains its networks on rows of a table that is
    fitted to them; published trains its networks on private rows, with noise in every step.
    A TABLE whose name ends in .h5, .hdf5 or .h5ad is HDF5 (an AnnData dataframe), any other is CSV with a header.
      --group GROUP        the group of an HDF5 file that holds the table; without it /data, the root or /obs
    Reading CSV:
      --invalid coerce     a cell that breaks the schema becomes missing or the nearest value, and is counted;
                           otherwise, and for a required cell that has neither, it is an error
      --extra ignore       columns that the schema does not name are not read; otherwise they are an error
      --delimiter C        "," ";" "|" or a tab, also as the words comma, semicolon, bar and tab
      --person COLUMN --max-rows-per-person K
                           who a row belongs to: at most K rows of each are kept, and the promise is for persons
    --quiet                no progress bar
    A checkpoint is written after every release, twice a minute and on Ctrl-C. What was charged to the privacy
    budget stays charged.
    """
