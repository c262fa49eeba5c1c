"""How a file is written: lengths, banned calls, words for unfinished work."""
import ast
import os
import re

LINE_MAX = 100
FUNCTION_MAX = 70
FILE_MAX = 500

CODE = (".c", ".h", ".cpp", ".py", ".sh", ".cmake", ".js", ".css", ".html", "CMakeLists.txt")
SCRIPT_FOLDERS = ("tools/", ".ci/")
BANNED = re.compile(
    r"\b(atoi|atol|atoll|atof|sprintf|vsprintf|strcpy|strcat|strtok|gets)\s*\(")
EXIT = re.compile(r"\b(exit|_exit|_Exit|quick_exit)\s*\(")
MAY_EXIT = ("src/cmd/", "tools/", "tests/")
UNFINISHED = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"])
                        + r")\b")


def is_code(path):
    """Scripts have no suffix: the files right in tools/ and .ci/."""
    return path.endswith(CODE) or (
        path.startswith(SCRIPT_FOLDERS) and "." not in os.path.basename(path))


def is_data(path):
    """Tables, recorded bytes and corpora may be as long as they like."""
    return any(part in ("golden", "corpus") for part in path.split("/")) or "_table." in path


def code_files(tree):
    for path, text in tree.files.items():
        if text is not None and is_code(path) and not is_data(path):
            yield path, text


def long_lines(tree):
    for path, text in code_files(tree):
        for number, line in enumerate(text.splitlines(), 1):
            if len(line) > LINE_MAX:
                yield f"{path}:{number}: line of {len(line)} characters, at most {LINE_MAX}"


def long_files(tree):
    for path, text in code_files(tree):
        count = len(text.splitlines())
        if count > FILE_MAX:
            yield f"{path}: {count} lines, at most {FILE_MAX}"


def c_functions(text):
    """(first line, number of lines) of each function: its braces stand alone in column 0."""
    lines = text.splitlines()
    start = None
    for number, line in enumerate(lines):
        if line == "{":
            start = number
            while start > 0 and re.match(r"[^\s#/*}]|\s+\S.*[,)]$", lines[start - 1]):
                start -= 1
        elif line == "}" and start is not None:
            yield start + 1, number - start + 1
            start = None


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno - node.lineno + 1


def long_functions(tree):
    for path, text in code_files(tree):
        if path.endswith((".c", ".h", ".cpp")):
            functions = c_functions(text)
        elif path.endswith(".py"):
            functions = python_functions(text)
        else:
            continue
        for line, count in functions:
            if count > FUNCTION_MAX:
                yield f"{path}:{line}: function of {count} lines, at most {FUNCTION_MAX}"


C_TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def bare_c(text):
    """C without comments and the insides of strings; lines keep their numbers."""
    return C_TOKEN.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def banned_calls(tree):
    for path, text in tree.with_suffix(".c", ".h", ".cpp"):
        for number, line in enumerate(bare_c(text).splitlines(), 1):
            for match in BANNED.finditer(line):
                yield f"{path}:{number}: {match.group(1)} is banned"
            match = EXIT.search(line)
            if match and not path.startswith(MAY_EXIT):
                yield f"{path}:{number}: {match.group(1)} outside src/cmd and tools"


def unfinished_work(tree):
    for path, text in tree.files.items():
        if text is None or is_data(path):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            match = UNFINISHED.search(line)
            if match:
                yield f"{path}:{number}: {match.group(1)}"
