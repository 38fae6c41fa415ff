"""The contract of plugins, as checks that anybody can run on a package: `packages.check_plugin`.

One file per kind. A check is a function that takes what is checked, raises a `rows.Fault` (or anything else) where the
contract is broken and a `rows.Doubt` where it may be, and otherwise returns a remark, or nothing.
"""
