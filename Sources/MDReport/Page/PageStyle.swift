/// How pages look: readable on a phone, in the dark, on paper, without scripts and without network.
enum PageStyle {
  static let css = """
    :root{--paper:#fff;--card:#f6f7f9;--ink:#16202b;--soft:#5a6675;--rule:#d9dee5;--good:#00735c;--warn:#8a5a00;--bad:#b3261e;
    --c0:#0072b2;--c1:#d98e00;--c2:#00906b;--c3:#d55e00;--c4:#b65a93;--c5:#3f9fd8;--c6:#a89a00;--c7:#777}
    @media(prefers-color-scheme:dark){:root{--paper:#12171d;--card:#1b222b;--ink:#e6ebf1;--soft:#9aa7b6;--rule:#323c48;--good:#4cc9a4;
    --warn:#f0b849;--bad:#ff8a80;--c0:#56a8e0;--c1:#f0b030;--c2:#2fc298;--c3:#ff8a3d;--c4:#e08fc0;--c5:#8fcdf5;--c6:#efe46a;--c7:#a8b0b8}}
    *{box-sizing:border-box}
    body{margin:0 auto;max-width:1120px;padding:28px 20px 60px;background:var(--paper);color:var(--ink);
    font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;overflow-wrap:anywhere}
    h1{font-size:1.55rem;line-height:1.25;margin:0 0 2px}h2{font-size:1.2rem;margin:44px 0 10px;padding-top:14px;border-top:1px solid var(--rule)}
    h3{font-size:1rem;margin:22px 0 6px}p{margin:6px 0}.soft{color:var(--soft)}small,.small{font-size:.85rem}
    a{color:var(--c0)}code,pre{font:13px/1.45 ui-monospace,"DejaVu Sans Mono",monospace}
    pre{background:var(--card);padding:12px 14px;border-radius:8px;overflow-x:auto;white-space:pre;overflow-wrap:normal}
    .first{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:28px;margin-top:18px;align-items:start}
    .banner{border-left:6px solid var(--bad);background:var(--card);padding:10px 16px;border-radius:6px;margin:16px 0}
    .banner.warn{border-color:var(--warn)}
    .answer{margin:0 0 14px}.answer .what{color:var(--soft);font-size:.95rem}
    .answer .value{font-size:2.1rem;font-weight:650;line-height:1.2;letter-spacing:-.01em}
    .answer.minor .value{font-size:1.2rem;font-weight:600}
    .answer .note{font-size:.88rem;color:var(--soft)}
    .more{display:grid;grid-template-columns:repeat(auto-fill,minmax(170px,1fr));gap:2px 18px}
    ul.checks{list-style:none;margin:10px 0 0;padding:0}ul.checks li{padding:6px 0 6px 34px;position:relative;border-top:1px solid var(--rule)}
    ul.checks li b{font-weight:600}ul.checks li::before{position:absolute;left:4px;top:6px;width:21px;height:21px;border-radius:50%;
    text-align:center;font-weight:700;font-size:13px;line-height:21px;color:var(--paper)}
    li.good::before{content:"✓";background:var(--good)}li.warning::before{content:"!";background:var(--warn)}
    li.bad::before{content:"✕";background:var(--bad)}li.unknown::before{content:"?";background:var(--soft)}
    li.good b{color:var(--good)}li.warning b{color:var(--warn)}li.bad b{color:var(--bad)}
    svg{display:block;width:100%;height:auto}svg.picture{max-height:560px;color:var(--ink)}
    .charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,430px),1fr));gap:18px 26px}
    figure{margin:8px 0}figcaption{font-size:.92rem;font-weight:600;margin-bottom:2px}
    .chart text{fill:var(--soft);font-size:13px}.chart text.label{fill:var(--ink);font-size:14px}
    .grid{stroke:var(--rule);fill:none;stroke-width:1}.axis,.tick{stroke:var(--soft);fill:none;stroke-width:1.2}
    .mark{stroke:var(--soft);stroke-dasharray:3 4;fill:none}.line{fill:none;stroke-width:1.8;stroke-linejoin:round}.band{stroke:none;fill-opacity:.2}
    .point{stroke:var(--paper);stroke-width:.8}.legend{font-size:.85rem;display:flex;flex-wrap:wrap;gap:2px 16px;margin:2px 0 0}
    .legend i{display:inline-block;width:12px;height:12px;border-radius:3px;margin-right:6px;vertical-align:-1px}
    .s0{--s:var(--c0)}.s1{--s:var(--c1)}.s2{--s:var(--c2)}.s3{--s:var(--c3)}.s4{--s:var(--c4)}.s5{--s:var(--c5)}.s6{--s:var(--c6)}.s7{--s:var(--c7)}
    .line{stroke:var(--s)}.band,.point,.bar{fill:var(--s)}.legend i{background:var(--s)}
    .strip{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,300px),1fr));gap:10px 20px;align-items:end}
    .scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem;min-width:50%}
    th,td{text-align:left;padding:4px 14px 4px 0;border-bottom:1px solid var(--rule);vertical-align:top;overflow-wrap:normal}
    th{font-weight:600}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}td.n{white-space:nowrap}
    tr.differs td{font-weight:600}td.path{overflow-wrap:anywhere}details{margin:10px 0}summary{cursor:pointer;font-weight:600}
    @media(max-width:760px){.first{grid-template-columns:minmax(0,1fr)}body{padding:18px 14px 40px}.answer .value{font-size:1.75rem}.chart text{font-size:17px}.chart text.label{font-size:18px}}
    @media print{body{max-width:none;padding:0;font-size:11pt}h2{break-after:avoid}figure,tr{break-inside:avoid}details>*{display:block}details::details-content{content-visibility:visible}pre{white-space:pre-wrap}}
    """
}
