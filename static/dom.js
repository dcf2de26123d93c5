// Small words for the page's elements.

export const $ = (id) => document.getElementById(id);

/** Makes an element with a class and text; the only way this page writes text of others. */
export const element = (tag, className, text) => {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
};

/** Says how something ended: `good`, `bad`, or `` while it is under way. */
export const say = (place, outcome, text) => {
  place.dataset.outcome = outcome;
  place.textContent = text;
};
