"""
Picks the cases that the project's tests keep: `python choose.py OUT FOLDER...`, each FOLDER made by make_fixtures.py.

For every class at the root of a file a few cases, small ones, of different variants and of releases far apart; more of
what users pickle most. `--leave-out FILE` names cases (one a line) that are not wanted.
"""
import argparse
import json
import os
import re
import shutil
from collections import defaultdict

#: How many cases of a class; of any other, DEFAULT.
BUDGET = {
    "Pipeline": 60, "ColumnTransformer": 16, "OneHotEncoder": 16, "OrdinalEncoder": 8, "LogisticRegression": 16, "SVC": 14, "CountVectorizer": 14, "TfidfVectorizer": 16, "HashingVectorizer": 8,
    "DecisionTreeClassifier": 10, "DecisionTreeRegressor": 6, "RandomForestClassifier": 10, "RandomForestRegressor": 6, "GradientBoostingClassifier": 8, "GradientBoostingRegressor": 8,
    "HistGradientBoostingClassifier": 10, "HistGradientBoostingRegressor": 10, "KNeighborsClassifier": 12, "KNeighborsRegressor": 6, "AdaBoostClassifier": 6, "CalibratedClassifierCV": 10, "SimpleImputer": 10,
    "StackingClassifier": 6, "VotingClassifier": 6, "SGDClassifier": 6, "GridSearchCV": 6, "KBinsDiscretizer": 6, "PolynomialFeatures": 6, "SplineTransformer": 6, "FunctionTransformer": 6,
    "GaussianProcessRegressor": 8, "OneVsRestClassifier": 5, "OneVsOneClassifier": 4, "LabelEncoder": 5, "LabelBinarizer": 5, "BaggingClassifier": 5, "FeatureUnion": 5, "MLPClassifier": 6, "TransformedTargetRegressor": 5,
    "container": 5,
}
DEFAULT = 3
KEEP = "id family case dir artefact library version format kind estimators".split()


def root_class(case):
    return "container" if case["kind"] == "container" else re.match(r"\w+", case["repr"]).group(0)


def class_name(item):
    return item[item.rindex(".") + 1 :]


def era(version):
    major, minor = (int(part) for part in version.split(".")[:2])
    return major * 100 + minor


def choose(cases, count):
    """Variants first, each from the release that was used least so far."""
    by_name, used, chosen = defaultdict(list), defaultdict(int), []
    for case in cases:
        by_name[case["case"]].append(case)
    names = sorted(by_name, key=lambda name: (min(case["bytes"] for case in by_name[name]) > 20000, name))
    step = max(1.0, len(names) / float(count))
    for index in range(min(count, len(names))):
        options = by_name[names[int(index * step)]]
        best = min(options, key=lambda case: (used[era(case["version"])], case["bytes"]))
        used[era(best["version"])] += 1
        chosen.append(best)
    return chosen


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--leave-out")
    parser.add_argument("--largest", type=int, default=25000, help="bytes of a case at most")
    arguments = parser.parse_args()
    unwanted = set(open(arguments.leave_out).read().split()) if arguments.leave_out else set()
    groups, every = defaultdict(list), []
    for folder in arguments.folders:
        with open(os.path.join(folder, "manifest.json"), encoding="utf-8") as file:
            for case in json.load(file)["cases"]:
                where = os.path.join(folder, case["dir"])
                size = sum(os.path.getsize(os.path.join(where, name)) for name in os.listdir(where))
                if case["id"] not in unwanted:
                    every.append(dict(case, bytes=size, folder=folder))
                    if size <= arguments.largest:
                        groups[root_class(case)].append(every[-1])
    chosen = [case for name in sorted(groups) for case in choose(groups[name], BUDGET.get(name, DEFAULT))]
    # Classes that occur inside of others alone, or in large files.
    covered = {class_name(item) for case in chosen for item in case["estimators"]}
    for case in sorted(every, key=lambda case: case["bytes"]):
        classes = {class_name(item) for item in case["estimators"]}
        if not classes <= covered:
            chosen.append(case)
            covered |= classes
    kept = []
    shutil.rmtree(arguments.out, ignore_errors=True)
    for case in chosen:
        shutil.copytree(os.path.join(case["folder"], case["dir"]), os.path.join(arguments.out, case["dir"]))
        kept.append(dict({key: case[key] for key in KEEP}, id=case["dir"]))
    with open(os.path.join(arguments.out, "manifest.json"), "w", encoding="utf-8") as file:
        json.dump({"cases": sorted(kept, key=lambda case: case["id"])}, file, ensure_ascii=False, indent=1)
        file.write("\n")
    print("{} cases of {} classes".format(len(kept), len(groups)))


if __name__ == "__main__":
    main()
