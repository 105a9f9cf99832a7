"""The same estimator with several sets of parameters, each a case of its own."""


def each(add, stem, class_name, data, **variants):
    """`each(add, "ridge", "Ridge", data, plain={}, raw={"fit_intercept": False})` adds ridge_plain and ridge_raw."""
    for tag in sorted(variants):
        parameters = variants[tag]
        add(stem + "_" + tag, lambda s, p=parameters: getattr(s, class_name)(**p), data)
