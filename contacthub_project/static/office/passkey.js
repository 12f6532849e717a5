// When the browser's passkey was not used, or there is none, the page says so.
document.addEventListener("allauth.error", () => {
  document.getElementById("passkey-fault").hidden = false;
});
