// What is said of parsers beside their answers: warnings and terms, of two that are shown both, each under its name.

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1) + ".";

// One line each.
export const warningsOf = (parses) => parses.flatMap(({ parser, warnings }) =>
  warnings.map((warning) => (parses.length > 1 ? parser + ": " + warning + "." : sentence(warning))));

export const termsOf = (parses) => [
  ...parses.filter(({ terms }) => terms).map(({ parser, terms }) => "Terms of " + parser + ": " + terms + "."),
  "Parsed in " + parses.map(({ seconds }) => seconds.toFixed(2) + " s").join(" and ") + ".",
].join(" ");

// How a choice of parsers names one; what could not be loaded is named, and cannot be chosen.
export const choiceOf = ({ name, title, error }) => error
  ? { text: name + " (cannot be loaded)", value: name, title: error, disabled: true }
  : { text: name, value: name, title, disabled: false };
