// Nothing is replaced under a hand: what is pressed when it goes down is there when it goes up.

const isList = (it) => it?.tagName === "SELECT";
/** How long a hand is waited for, in ms: nobody is to be shown the past for long. */
const patience = (it) => (isList(it) ? 30000 : 5000);

/** Draws into a place, but for the time in which somebody holds something there. `letGo` forgets who does. */
export function gently(place, draw) {
  let hand = null;
  let pressedAt = 0;
  let timer = null;
  for (const what of ["pointerdown", "keydown"]) {
    place.addEventListener(what, ({ target }) => {
      hand = target;
      pressedAt = Date.now();
    });
  }
  for (const what of ["pointerup", "pointercancel", "keyup"]) window.addEventListener(what, () => (hand = isList(hand) ? hand : null), true);
  place.addEventListener("change", () => (hand = null), true);
  /** A list that is open, and a button between down and up: if they were replaced, nothing would be chosen or pressed. */
  const isInHand = () => hand?.isConnected && (!isList(hand) || hand === document.activeElement) && Date.now() - pressedAt < patience(hand);
  const whenFree = () => {
    clearTimeout(timer);
    if (isInHand()) timer = setTimeout(whenFree, 200);
    else draw();
  };
  return { draw: whenFree, letGo: () => (hand = null) };
}
