// The look of pages, on screens light and dark and on paper. Colours are told apart by lightness as well as by hue, and
// text has a contrast of at least 4.5 to 1 (WCAG 2.1, 1.4.3).

let styleSheet = """
    :root { color-scheme: light dark; --ground: #ffffff; --ink: #1b1f24; --quiet: #57606a; --line: #d0d7de;
      --panel: #f6f8fa; --link: #0550ae; --released: #0550ae; --generated: #bc4c00; --warn: #8f1d2c;
      --h0: #e8eef5; --h1: #c3d7ee; --h2: #86b3e0; --h3: #f2b36b; --h4: #d9682a; --h5: #9a2b10; --none: #ffffff; }
    @media (prefers-color-scheme: dark) { :root { --ground: #0d1117; --ink: #e6edf3; --quiet: #9aa4af;
      --line: #30363d; --panel: #161b22; --link: #79b8ff; --released: #79b8ff; --generated: #ffa657; --warn: #ffb3ba;
      --h0: #14202e; --h1: #1f3a57; --h2: #2f6299; --h3: #a5631f; --h4: #d9822f; --h5: #ffc07a; --none: #0d1117; } }
    * { box-sizing: border-box; }
    body { margin: 0 auto; padding: 1rem; max-width: 70rem; background: var(--ground); color: var(--ink);
      font: 1rem/1.5 system-ui, sans-serif; }
    h1 { font-size: 1.7rem; line-height: 1.2; margin: .5rem 0; }
    h2 { font-size: 1.25rem; margin: 2rem 0 .5rem; border-bottom: 1px solid var(--line); }
    h3 { font-size: 1rem; margin: 1rem 0 .25rem; }
    p, ul { max-width: 46rem; }
    a { color: var(--link); }
    a:focus-visible, summary:focus-visible, .scroll:focus-visible { outline: 3px solid var(--link);
      outline-offset: 2px; }
    .skip { position: absolute; left: -100rem; }
    .skip:focus { left: 1rem; top: 0; background: var(--ground); }
    .banner { border: 3px solid var(--warn); color: var(--warn); padding: .5rem 1rem; margin: 0 0 1rem;
      max-width: none; }
    nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; padding: 0; max-width: none; }
    .cards { display: flex; flex-wrap: wrap; gap: .75rem; padding: 0; margin: 1rem 0; list-style: none;
      max-width: none; }
    .cards li { background: var(--panel); border: 1px solid var(--line); border-radius: .4rem; padding: .6rem .9rem;
      flex: 1 1 11rem; }
    .cards b { display: block; font-size: 1.4rem; line-height: 1.3; }
    .plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 1rem; }
    figure { margin: 0; }
    figcaption { color: var(--quiet); font-size: .875rem; }
    svg { display: block; max-width: 100%; height: auto; }
    svg text { fill: var(--ink); font: 11px system-ui, sans-serif; }
    svg .quiet { fill: var(--quiet); }
    .released { fill: var(--released); } .generated { fill: var(--generated); }
    .error { stroke: var(--ink); stroke-width: 1.5; fill: none; }
    .axis { stroke: var(--line); fill: none; }
    .r { fill: none; stroke: var(--released); stroke-width: 2; } .g { fill: none; stroke: var(--generated);
      stroke-width: 2; }
    .h0 { fill: var(--h0); } .h1 { fill: var(--h1); } .h2 { fill: var(--h2); } .h3 { fill: var(--h3); }
    .h4 { fill: var(--h4); } .h5 { fill: var(--h5); } .none { fill: var(--none); stroke: var(--line); }
    .scroll { overflow-x: auto; max-width: 100%; }
    table { border-collapse: collapse; font-size: .9rem; margin: .5rem 0; }
    caption { text-align: left; color: var(--quiet); padding: .25rem 0; }
    th, td { text-align: right; padding: .2rem .7rem; border-bottom: 1px solid var(--line);
      font-variant-numeric: tabular-nums; }
    th[scope=row], thead th:first-child { text-align: left; font-weight: normal; }
    summary { cursor: pointer; padding: .25rem 0; }
    .key span { display: inline-block; width: .9rem; height: .9rem; margin: 0 .35rem 0 1rem; vertical-align: -.1rem;
      border: 1px solid var(--line); }
    .k0 { background: var(--h0); } .k1 { background: var(--h1); } .k2 { background: var(--h2); }
    .k3 { background: var(--h3); } .k4 { background: var(--h4); } .k5 { background: var(--h5); }
    .kn { background: var(--none); } .kr { background: var(--released); } .kg { background: var(--generated); }
    footer { color: var(--quiet); border-top: 1px solid var(--line); margin-top: 2rem; font-size: .875rem; }
    @media print { body { max-width: none; font-size: 10pt; } nav, .skip { display: none; }
      .banner { position: fixed; top: 0; left: 0; right: 0; background: #fff; } .scroll { overflow: visible; }
      figure, tr { break-inside: avoid; } details > * { display: block; }
      * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }

    """
