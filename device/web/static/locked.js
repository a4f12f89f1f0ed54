// A token that was given and refused is still in the address: say so, and take it out of there.
if (new URLSearchParams(location.search).has("token")) {
  document.getElementById("wrong").hidden = false;
  history.replaceState(null, "", location.pathname);
}
