#!/usr/bin/env python3
"""Score a forecaster against StatsForecast's models on real traces: rolling origin, same windows for all.

    python3 -m venv .venv && .venv/bin/pip install statsforecast pandas
    .venv/bin/python bench/forecast/score.py --traces data/traces --candidate "COMMAND"           # hourly, one day ahead
    .venv/bin/python bench/forecast/score.py --traces data/traces --fine --candidate "COMMAND"    # 5-minute, one hour ahead

COMMAND is started once by the shell. It reads one JSON object a line on standard input,
    {"id": str, "stepSeconds": int, "start": ISO-8601 of history[0], "history": [float, ...], "horizon": int}
and writes one a line, in any order, for each of them:
    {"id": str, "p10": [float x horizon], "p50": [...], "p90": [...]}
History is regular (gaps already interpolated) and ends right before the first step to forecast.

MASE is the mean absolute error of P50 over the in-sample error of the day-seasonal naive. 'pinball' is the mean
pinball loss of P10, P50 and P90 divided by that of the day-seasonal naive on the same windows: below 1 is better.
'cover80' is how often the truth lies in [P10, P90] (0.80 is right), 'over90' how often above P90 (0.10 is right).
"""
import argparse, json, os, pathlib, subprocess, sys, time, warnings
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NIXTLA_ID_AS_COL", "1")
warnings.filterwarnings("ignore")
import numpy as np
import pandas as pd
from statsforecast.models import AutoETS, AutoTheta, MSTL, Naive, SeasonalNaive

Q = np.array([0.1, 0.5, 0.9])
CUT = {"nab_nyc_taxi_30min": "2014-10-30"}  # known anomalies from here on


def load(path, rule):
    x = pd.read_csv(path)
    s = pd.Series(x.value.values.astype(float), index=pd.to_datetime(x.timestamp).dt.tz_localize(None))
    if path.stem in CUT:
        s = s[: CUT[path.stem]]
    return s.resample(rule).mean().interpolate("time").iloc[1:-1]


def stats_model(model):
    def forecast(y, h):
        r = model.new().forecast(y=y, h=h, level=[80])
        return np.stack([r["lo-80"], r["mean"], r["hi-80"]], 1)
    return forecast


def peers(day, week, fine):
    if fine:
        return {"SNaive(day)": stats_model(SeasonalNaive(day)), "Naive": stats_model(Naive()),
                "AutoETS(1)": stats_model(AutoETS(season_length=1)), "MSTL(day)": stats_model(MSTL(season_length=[day]))}
    return {"SNaive(day)": stats_model(SeasonalNaive(day)), "SNaive(week)": stats_model(SeasonalNaive(week)),
            "AutoETS(day)": stats_model(AutoETS(season_length=day)),
            "AutoTheta(day)": stats_model(AutoTheta(season_length=day)),
            "MSTL(day,week)": stats_model(MSTL(season_length=[day, week]))}


def windows(a, day):
    h = a.horizon
    for path in sorted(pathlib.Path(a.traces).glob("*.csv")):
        s = load(path, a.rule)
        if len(s) < a.min_days * day + (a.origins - 1) * a.origin_step + h:
            print(f"left out, too short: {path.stem}", file=sys.stderr)
            continue
        y = s.values
        for k in range(a.origins):
            end = len(y) - h - (a.origins - 1 - k) * a.origin_step
            begin = max(0, end - a.train_days * day)
            yield path.stem, k, s.index[begin], y[begin:end], y[end:end + h]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--traces", required=True)
    p.add_argument("--candidate", help="shell command that forecasts JSON lines")
    p.add_argument("--fine", action="store_true", help="5-minute steps, one hour ahead")
    p.add_argument("--origins", type=int)
    p.add_argument("--no-peers", action="store_true", help="only the seasonal naive and the candidate")
    a = p.parse_args()
    a.rule, a.horizon, a.train_days, a.min_days = ("5min", 12, 7, 3) if a.fine else ("1h", 24, 28, 15)
    a.origins = a.origins or (24 if a.fine else 7)
    a.origin_step = 72 if a.fine else 24
    day, week, step = (288, 2016, 300) if a.fine else (24, 168, 3600)

    todo = list(windows(a, day))
    models = peers(day, week, a.fine)
    if a.no_peers:
        models = {k: models[k] for k in ("SNaive(day)",)}
    rows, seconds = [], {}

    def record(model, trace, k, train, truth, q):
        q = np.sort(np.clip(np.asarray(q, float), 0, None), axis=1)
        e = truth[:, None] - q
        rows.append(dict(model=model, trace=trace, origin=k,
                         mase=np.abs(truth - q[:, 1]).mean() / np.abs(train[day:] - train[:-day]).mean(),
                         loss=np.maximum(Q * e, (Q - 1) * e).mean(),
                         cover80=((truth >= q[:, 0]) & (truth <= q[:, 2])).mean(), over90=(truth > q[:, 2]).mean()))

    for trace, k, _, train, truth in todo:
        for name, forecast in models.items():
            t = time.process_time()
            record(name, trace, k, train, truth, forecast(train, a.horizon))
            seconds[name] = seconds.get(name, 0) + time.process_time() - t
    if a.candidate:
        lines = "".join(json.dumps({"id": f"{t}#{k}", "stepSeconds": step, "start": at.isoformat() + "Z",
                                    "history": train.tolist(), "horizon": a.horizon}) + "\n" for t, k, at, train, _ in todo)
        t0 = time.time()
        out = subprocess.run(a.candidate, shell=True, input=lines, text=True, stdout=subprocess.PIPE)
        seconds["candidate"] = time.time() - t0
        if out.returncode:
            sys.exit(f"candidate exited {out.returncode}")
        got = {r["id"]: r for r in map(json.loads, filter(str.strip, out.stdout.splitlines()))}
        for t, k, _, train, truth in todo:
            r = got.get(f"{t}#{k}")
            q = r and np.stack([r["p10"], r["p50"], r["p90"]], 1)
            if q is None or q.shape != (a.horizon, 3) or not np.isfinite(q).all():
                sys.exit(f"candidate: no usable forecast for {t}#{k}")
            record("candidate", t, k, train, truth, q)

    r = pd.DataFrame(rows)
    base = r[r.model == "SNaive(day)"].set_index(["trace", "origin"]).loss
    g = r.groupby(["trace", "model"], sort=False).agg(mase=("mase", "mean"), loss=("loss", "mean"),
                                                     cover80=("cover80", "mean"), over90=("over90", "mean")).reset_index()
    naive = base.groupby("trace").mean()
    g["pinball"] = g.loss / g.trace.map(naive)
    table = g.pivot(index="trace", columns="model", values="pinball").reindex(columns=list(dict.fromkeys(r.model)))
    print("pinball loss, ratio to the day-seasonal naive\n" + table.round(3).to_string())
    geo = lambda x: float(np.exp(np.log(x).mean()))
    print("\nmodel             pinball   MASE  cover80  over90  seconds")
    for m in dict.fromkeys(r.model):
        x = g[g.model == m]
        print(f"{m:16}  {geo(x.pinball):7.3f} {geo(x.mase):6.3f}  {x.cover80.mean():7.3f} {x.over90.mean():7.3f}  {seconds.get(m, 0):7.1f}")


if __name__ == "__main__":
    main()
