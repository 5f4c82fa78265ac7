// Slider and number field say the same, and the total follows. Without JavaScript the number field is the whole control.
for (const control of document.querySelectorAll("[data-quantity]")) {
  const number = control.querySelector("input[type=number]");
  const slider = control.querySelector("[data-quantity-slider]");
  const range = slider.querySelector("input");
  const count = control.querySelector("[data-quantity-count]");
  const total = control.querySelector("[data-quantity-total]");
  const { unitAmount, baseAmount, currency, decimals } = control.dataset;
  const format =
    currency &&
    new Intl.NumberFormat("en", { style: "currency", currency, minimumFractionDigits: +decimals, maximumFractionDigits: +decimals });

  const show = () => {
    if (!number.value || !number.validity.valid) return;
    if (count) count.textContent = Number(number.value).toLocaleString("en");
    if (total && format) total.textContent = format.format((+baseAmount + unitAmount * number.value) / 10 ** decimals);
  };

  slider.hidden = false;
  range.addEventListener("input", () => {
    number.value = range.value;
    show();
  });
  number.addEventListener("input", () => {
    range.value = number.value;
    show();
  });
}
