for (const [name, metres] of STATIONS) {
  const item = document.createElement("li");
  item.append(name, Object.assign(document.createElement("span"), { textContent: `${metres} m` }));
  document.querySelector("#stations").append(item);
}

// Fetched when it is needed: by a page that may have been open for hours.
document.querySelector("#prices").addEventListener("click", async () => {
  const { price } = await import("/assets/prices.js");
  document.querySelector("#price").textContent = price;
});

navigator.serviceWorker?.register("/sw.js");
